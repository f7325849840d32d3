"""What a model's log_prob says of real data, with what that number is: of a density or a probability, exact or a bound.

Four kinds, which never share a column without saying so: exact; bound (of log p from below, of bits from above);
estimate; unnormalised, which compares samples under one model and nothing else. A density of rounded data is no code
length, so its bits are those of data with noise of a level's width (`bits.py`), an upper bound whatever the model; the
probability of rounded data has bits as it is. How many levels the data have is found in the data, and stated.

The best-known trap: data from elsewhere can be likelier than data like those learned from. `outside` measures it.

Eric Nalisnick, Akihiro Matsukawa, Yee Whye Teh, Dilan Gorur, Balaji Lakshminarayanan. Do Deep Generative Models Know
What They Don't Know? 2019. https://arxiv.org/abs/1810.09136
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.bits import binarised, bits_of_probability, bits_per_dim, levels_of
from likeness.errors import InputError
from likeness.findings import Finding
from likeness.judge.resample import mean_interval
from likeness.judge.score import Detail, Score, score

KINDS = ("exact", "bound", "estimate", "unnormalised")
CODED = 2000  # samples whose bits are measured, at most: a density is asked for a second time for them
Device = torch.device | str


class Density(NamedTuple):
    """What a judge is told of a density.

    Attributes:
        log_prob: nats (n,) of samples (n, *event).
        kind: exact, bound, estimate or unnormalised.
        levels: of what it is the probability: values rounded to so many levels; None for a density.
    """

    log_prob: Callable[[Tensor], Tensor]
    kind: str = "exact"
    levels: int | None = None


class Likelihood(NamedTuple):
    """Nats of samples and what they are `of`; bits per dimension of some of them where the data have levels."""

    nats: Float[Tensor, " n"]
    kind: str
    of: str
    bits: Float[Tensor, " m"] | None = None
    bits_kind: str = ""
    coded: str = ""

    def rows(self, seed: int, prefix: str = "") -> list[Score]:
        """The rows of the table."""
        found = [
            score(f"{prefix}log_likelihood", mean_interval(self.nats, seed=seed), None, kind=self.kind, of=self.of)
        ]
        if self.bits is not None:
            detail: dict[str, Detail] = {"kind": self.bits_kind, "of": self.coded, "n": len(self.bits)}
            found.append(score(f"{prefix}bits_per_dim", mean_interval(self.bits, seed=seed), None, **detail))
        return found


def likelihood(model: Density, x: Float[Tensor, " n *event"], device: Device = "cpu") -> Likelihood:
    """What the model says of samples.

    Raises:
        InputError: the kind is none of the four, or `log_prob` does not give one number a sample.
    """
    if model.kind not in KINDS:
        raise InputError(f"log_prob of kind {model.kind!r}: say which of {', '.join(KINDS)} it is")
    D, levels = x[0].numel(), levels_of(x) if x.ndim == 4 else None
    if model.levels is not None:
        nats = nats_of(model, x, device)
        bits = None if model.kind == "unnormalised" else bits_of_probability(nats, D)
        coded = f"{model.levels} levels" + _seen(model.levels, levels)
        return Likelihood(nats, model.kind, f"probability of {coded}", bits, model.kind, coded)
    nats = nats_of(model, x, device)
    if levels is None or model.kind == "unnormalised":
        return Likelihood(nats, model.kind, "density")
    bits = bits_per_dim(lambda part: model.log_prob(part.to(device)).cpu(), x[:CODED], levels=levels)
    kind = "estimate" if model.kind == "estimate" else "bound"
    return Likelihood(nats, model.kind, "density", bits.double(), kind, f"{levels} levels, by uniform noise")


def nats_of(model: Density, x: Float[Tensor, " n *event"], device: Device = "cpu") -> Float[Tensor, " n"]:
    """Nats of each sample, in float64; a model of black and white is given grey values drawn as such.

    Raises:
        InputError: `log_prob` does not give one number a sample.
    """
    shown = binarised(x) if model.levels == 2 and x.ndim == 4 else x
    with torch.no_grad():
        nats = torch.cat([model.log_prob(part.to(device)).cpu() for part in shown.split(256)]).double()
    if nats.shape != x.shape[:1]:
        raise InputError(f"log_prob gave shape {tuple(nats.shape)} for {len(x)} samples: give one number each")
    return nats


def _seen(levels: int, found: int | None) -> str:
    """How the data's own levels differ from the model's, which makes figures of other models incomparable."""
    if found == levels:
        return ""
    if levels == 2:
        return ", drawn by the grey value"
    return ", of which the data use fewer" if found is not None and found < levels else ""


class Outside(NamedTuple):
    """Data from elsewhere beside the test data: rows of the table, and a warning where they are the likelier."""

    rows: list[Score]
    findings: list[Finding]


def outside(
    model: Density,
    inside: Float[Tensor, " n *event"],
    other: Float[Tensor, " m *event"],
    *,
    name: str = "the other data",
    device: Device = "cpu",
    seed: int = 0,
) -> Outside:
    """The likelihood of data from elsewhere, and how well it tells them from data of the model's kind.

    Raises:
        InputError: the two have unlike shapes, or a likelihood is not finite.
    """
    if inside.shape[1:] != other.shape[1:]:
        shapes = tuple(inside.shape[1:]), tuple(other.shape[1:])
        raise InputError(f"samples of {name} have shape {shapes[1]}, those of the run {shapes[0]}: make them alike")
    here, there = nats_of(model, inside, device), likelihood(model, other, device)
    if not (here.isfinite().all() and there.nats.isfinite().all()):
        raise InputError(f"the log-likelihood of {name} is not finite for some samples: it cannot be compared")
    below = auroc(here, there.nats)
    found = score("ood_auroc", mean_interval(below, seed=seed), None, data=name)
    return Outside([*there.rows(seed, "ood_"), found], _likelier(name, float(below.mean()), here, there.nats))


def outside_by_energy(
    energy: Callable[[Tensor], Tensor],
    inside: Float[Tensor, " n *event"],
    other: Float[Tensor, " m *event"],
    *,
    name: str = "the other data",
    device: Device = "cpu",
    seed: int = 0,
) -> Score:
    """How well an energy alone (n,), low where data lie, tells data from elsewhere."""
    low = Density(lambda x: -energy(x), "unnormalised")
    told = auroc(nats_of(low, inside, device), nats_of(low, other, device))
    return score("ood_energy_auroc", mean_interval(told, seed=seed), None, data=name)


def auroc(inside: Float[Tensor, " n"], other: Float[Tensor, " m"]) -> Float[Tensor, " n"]:
    """For each sample of the first the share of the second that it exceeds, ties half: the mean is the AUROC."""
    other = other.sort().values
    under = torch.searchsorted(other, inside) + torch.searchsorted(other, inside, right=True)
    return under.double() / (2 * len(other))


def _likelier(name: str, below: float, here: Tensor, there: Tensor) -> list[Finding]:
    if below > 0.9:
        return []
    means = f"{float(there.mean()):.4g} nats against {float(here.mean()):.4g}"
    remedy = "Do not use likelihood to tell such data: compare with another model's, or use an anomaly score."
    if below < 0.5:
        saw = f"{name} is LIKELIER than the test data ({means}; AUROC of likelihood {below:.2f}): a known failure."
        return [Finding("outside-likelier", saw, remedy)]
    saw = f"Likelihood hardly tells {name} from the test data ({means}; AUROC {below:.2f})."
    return [Finding("outside-overlaps", saw, remedy)]
