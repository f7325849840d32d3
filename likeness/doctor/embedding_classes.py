"""Whether features tell classes apart, by neighbours, centres and spreads; which classes run into each other."""

from typing import Any

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

from likeness.doctor.part import Part
from likeness.findings import Finding
from likeness.represent.measures import classes as measured
from likeness.represent.measures import linear_discriminant_ratio, within_share
from likeness.represent.nearest import nearest
from likeness.represent.sphere import normalise, uniformity

K = 10  # neighbours
MIXED = 0.5  # a class among the other's neighbours as often as half of what a random mixture would give
LEAST = 5  # rows of a class, below which nothing is said of it
UNSEEN = 0.05  # of the way from guessing to certainty
POINTS = 0.01  # share of the variance within classes
SHOWN = 20


def classes(z: Float[Tensor, "n d"], y: Int[Tensor, " n"], names: tuple[str, ...], *, on_sphere: bool = True) -> Part:
    """Spread of each class, its own share among its neighbours, the class it is nearest to."""
    present = y.unique().tolist()
    if len(present) < 2:
        words = [f"All rows are of one class ({names[present[0]]}): there is nothing to tell apart."]
        return Part("classes", "Classes", words)
    k = min(K, len(z) - 1)
    near = y[nearest(z, k, cosine=on_sphere).place]
    right = float((_votes(near, len(names)) == y).double().mean())
    guess = float(y.bincount().max()) / len(y)
    within, ratio = within_share(z, y), linear_discriminant_ratio(z, y)
    words = [
        f"{right:.1%} of the rows are of the class that most of their {k} neighbours have; the largest class alone "
        f"would be right for {guess:.1%}.",
        f"{within:.0%} of the variance lies within classes, the rest between their centres.",
    ]
    mixed = mixing(near, y, len(names))
    numbers: dict[str, Any] = _rows(z, y, names, near, ratio)
    told = _told(right, guess, within, mixed, names)
    if len(present) > SHOWN:
        words.append(f"Of {len(present)} classes the {SHOWN} that are least pure are shown.")
    return Part("classes", "Classes", words, numbers, findings=told)


def mixing(near: Int[Tensor, "n k"], y: Int[Tensor, " n"], K: int) -> Float64[Tensor, "K K"]:
    """How often class b is among the neighbours of class a, as a multiple of its own rows, each by their number.

    1 for two classes that are one law, 0 where they never meet; the smaller of both directions; NaN where a class has
    too few rows.
    """
    size = y.bincount(minlength=K).double()
    counts = torch.zeros(K, K, dtype=torch.float64)
    counts.index_put_((y[:, None].expand_as(near), near), torch.ones(near.shape, dtype=torch.float64), accumulate=True)
    others = size.expand(K, K) - torch.eye(K)  # a row is not its own neighbour
    rate = counts / others
    odds = rate / rate.diagonal()[:, None]
    few = size < LEAST
    odds[few], odds[:, few] = torch.nan, torch.nan
    return torch.minimum(odds, odds.T)


def _votes(near: Tensor, K: int) -> Tensor:
    return torch.zeros(len(near), K).scatter_add_(1, near, torch.ones(near.shape)).argmax(1)


def _rows(z: Tensor, y: Tensor, names: tuple[str, ...], near: Tensor, ratio: Tensor) -> dict[str, dict[str, Any]]:
    """A line for each class, the least pure first where there are many."""
    c = measured(z, y)
    away = ratio.clone().fill_diagonal_(torch.inf).nan_to_num(nan=torch.inf)
    present, found, pure = y.unique().tolist(), {}, {}
    for i in present:
        own = y == i
        closest = int(away[i].argmin())
        enough, pure[i] = int(own.sum()) > 1, float((near[own] == i).double().mean())
        found[i] = {
            "rows": int(own.sum()),
            "mean squared distance to its centre": float(c.spread[i]) if enough else None,
            "uniformity": float(uniformity(normalise(z[own]))) if enough else None,
            "own class among neighbours": pure[i],
            "nearest class": names[closest],
            "discriminant ratio to it": float(away[i, closest]),
        }
    order = present if len(present) <= SHOWN else sorted(present, key=lambda i: pure[i])
    return {f"class {names[i]}": found[i] for i in order[:SHOWN]}


def _told(right: float, guess: float, within: float, mixed: Tensor, names: tuple[str, ...]) -> list[Finding]:
    if right < guess + UNSEEN * (1 - guess):
        saw = f"The features do not show the labels: neighbours are right for {right:.1%}, guessing for {guess:.1%}."
        remedy = (
            "Check that labels and rows are in one order; else these classes are not what the features were made for."
        )
        return [Finding("labels-unseen", saw, remedy)]
    told = []
    both = [(float(mixed[a, b]), a, b) for a in range(len(mixed)) for b in range(a) if float(mixed[a, b]) > MIXED]
    if both:
        some = "; ".join(f"{names[b]} and {names[a]} ({v:.0%})" for v, a, b in sorted(both, reverse=True)[:5])
        more = f" and {len(both) - 5} more pairs" if len(both) > 5 else ""
        saw = f"Classes run into each other (100 %: as if they were one): {some}{more}."
        remedy = (
            "Look at samples of both: labels may be wrong, or the augmentations may wipe out what tells them apart."
        )
        told.append(Finding("merged-classes", saw, remedy))
    if within < POINTS:
        saw = f"Each class is nearly a point: {within:.1%} of the variance lies within classes."
        remedy = (
            "Good for these labels; for other tasks take an earlier layer, which keeps what differs within a class."
        )
        told.append(Finding("class-collapse", saw, remedy))
    return told
