"""What is wrong with feature vectors, whoever made them: rows that are no good, then one part after the other.

Rows are brought to length one unless they are to be looked at as they are: what compares features mostly does so by
their angle. Rows that are not finite or zero, and columns that hold one value, are told and left out.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from likeness.doctor import embedding_classes, embedding_map, embedding_neighbours, embedding_spread
from likeness.doctor.part import Part
from likeness.errors import InputError
from likeness.findings import Finding
from likeness.represent.measures import constant_columns, duplicates
from likeness.represent.sphere import normalise

LARGEST = 5000  # rows that are looked at; the number of pairs is its square
REPEATED = 0.01  # share of rows that may equal earlier ones
UNEVEN = 10.0  # largest length of a row as a multiple of the median


class Embedding(NamedTuple):
    """Rows that can be examined, with what is known of each.

    Attributes:
        z: finite and varying, of length one where `on_sphere`.
        y: classes 0 … K − 1, called `names`.
        partner: features of another view of the same sample.
        images: the samples as pictures.
        row: the place of each row in what was given.
    """

    z: Float[Tensor, "n d"]
    on_sphere: bool
    row: Int[Tensor, " n"]
    y: Int[Tensor, " n"] | None = None
    names: tuple[str, ...] = ()
    partner: Float[Tensor, "n d"] | None = None
    images: Float[Tensor, "n c h w"] | None = None


def prepared(
    z: Float[Tensor, "rows columns"],
    *,
    y: Tensor | None = None,
    names: tuple[str, ...] = (),
    partner: Tensor | None = None,
    images: Tensor | None = None,
    on_sphere: bool = True,
    seed: int = 0,
) -> tuple[Embedding, Part]:
    """What can be examined, and the part of the page that says what cannot.

    Args:
        y: a class 0 … K − 1 for each row, called `names`.
        partner: for each row the features of another view of the same sample, such as another augmentation.
        images: for each row the sample (n, c, h, w).
        on_sphere: bring rows to length one.
        seed: decides which rows are looked at where there are more than `LARGEST`.

    Raises:
        InputError: fewer than three good rows, or labels, pairs or images that do not fit the rows.
    """
    for what, other in (("labels", y), ("pairs", partner), ("images", images)):
        if other is not None and len(other) != len(z):
            raise InputError(
                f"{len(z)} rows of features and {len(other)} {what}: give one for each row, in their order"
            )
    if partner is not None and partner.shape != z.shape:
        raise InputError(f"features have {z.shape[1]} columns and their pairs {partner.shape[1]}: give the same space")
    kept, told = _good(z, partner, on_sphere)
    if len(kept) < 3:
        raise InputError(f"{len(kept)} of {len(z)} rows can be compared with others: give three or more good rows")
    words, found = _words(z, kept, on_sphere), z[kept].double()
    still = constant_columns(z[kept])
    if bool(still.any()) and not bool(still.all()):
        told.append(_constant(still))
        found = found[:, ~still]
    told += _repeated(z[kept])
    pair = (
        None if partner is None else partner[kept].double()[:, ~still if found.shape[1] < z.shape[1] else slice(None)]
    )
    good = torch.arange(len(kept))
    if on_sphere:  # columns that are left out may have been all there was of a row
        good = ((found != 0).any(1) & (True if pair is None else (pair != 0).any(1))).nonzero().flatten()
    if len(good) > LARGEST:
        order = torch.randperm(len(good), generator=torch.Generator().manual_seed(seed))
        good = good[order[:LARGEST].sort().values]
        words.append(f"{LARGEST:,} of {len(kept):,} rows, chosen at random, are looked at in what follows.")
    row, shaped = kept[good], (lambda v: (normalise(v[good]) if on_sphere else v[good]).float())
    e = Embedding(
        shaped(found),
        on_sphere,
        row,
        None if y is None else y[row],
        names,
        None if pair is None else shaped(pair),
        None if images is None else images[row],
    )
    numbers: dict[str, Any] = {"rows": len(z), "columns": z.shape[1], "rows looked at": len(row)}
    if y is not None:
        numbers["classes"] = len(y.unique())
    return e, Part("rows", "The features", words, numbers, findings=told)


def examined(e: Embedding, *, seed: int = 0, maps: bool = True) -> Iterator[tuple[str, Callable[[], Part]]]:
    """What is looked at, by name, with what looks at it; what nothing was given for is left out."""
    yield "spread", lambda: embedding_spread.spread(e.z)
    if e.partner is not None:
        partner = e.partner
        yield "pairs", lambda: embedding_spread.pairs(e.z, partner)
    yield "neighbours", lambda: embedding_neighbours.neighbours(e.z, e.on_sphere, e.images, e.y, e.names, seed=seed)
    if e.y is not None:
        y = e.y
        yield "classes", lambda: embedding_classes.classes(e.z, y, e.names, on_sphere=e.on_sphere)
    if maps:
        yield "map", lambda: embedding_map.maps(e.z, e.y, e.names, seed=seed)


def _good(z: Tensor, partner: Tensor | None, on_sphere: bool) -> tuple[Tensor, list[Finding]]:
    """The places of rows that can be looked at, and what is said of the others."""
    told, finite, nonzero = [], z.isfinite().all(1), (z != 0).any(1)
    if partner is not None:
        finite, nonzero = finite & partner.isfinite().all(1), nonzero & (partner != 0).any(1)
    if n := int((~finite).sum()):
        first = int((~finite).nonzero()[0])
        saw = f"{n} of {len(z)} rows hold NaN or infinity; the first is row {first}."
        remedy = (
            "They are left out here. Look at the samples behind them, or for an overflow in what made the features."
        )
        told.append(Finding("not-finite", saw, remedy))
    if n := int((finite & ~nonzero).sum()):
        first = int((finite & ~nonzero).nonzero()[0])
        saw = f"{n} of {len(z)} rows are all zeros and have no direction; the first is row {first}."
        remedy = "Dead units make them: end the encoder in a layer without ReLU, or take features before it."
        told.append(Finding("zero-rows", saw, remedy + (" They are left out here." if on_sphere else "")))
    return (finite & nonzero if on_sphere else finite).nonzero().flatten(), told


def _words(z: Tensor, kept: Tensor, on_sphere: bool) -> list[str]:
    """Whether rows have length one, and what was done."""
    length = z[kept].double().norm(dim=1)
    low, middle, high = (float(v) for v in (length.min(), length.median(), length.max()))
    if high - low < 0.01 * middle:
        told = f"All rows have the length {middle:.3g}."
        return [told if abs(middle - 1) < 0.01 else f"{told} They are compared by their directions."]
    told = f"The rows are not normalised: their lengths go from {low:.3g} to {high:.3g}, with median {middle:.3g}."
    if high > UNEVEN * middle:
        told += f" The longest (row {int(kept[length.argmax()])}) is {high / middle:.0f} times the median: an outlier?"
    done = "They were brought to length 1 for what follows." if on_sphere else "They are looked at as they are."
    return [told, done]


def _constant(still: Tensor) -> Finding:
    which = still.nonzero().flatten().tolist()
    some = ", ".join(map(str, which[:8])) + (" …" if len(which) > 8 else "")
    saw = f"{len(which)} of {len(still)} columns hold the same value in all rows: {some}."
    remedy = (
        "They tell nothing and are left out here: drop them. In a ReLU network they are dead units: lower its rate."
    )
    return Finding("constant-columns", saw, remedy)


def _repeated(z: Tensor) -> list[Finding]:
    again = duplicates(z)
    n = int(again.sum())
    if n <= max(1, REPEATED * len(z)):
        return []
    saw = f"{n} of {len(z)} rows ({n / len(z):.0%}) repeat an earlier row to the last bit."
    if n == len(z) - 1:
        return []  # one row over and over: the collapse is told below
    remedy = "Remove copies among the samples; if the samples differ, the encoder cannot tell them apart."
    return [Finding("duplicated-rows", saw, remedy)]
