"""Who is near whom: rows that are near to too many others, and what the nearest samples of some look like."""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from likeness.doctor import embedding_charts as charts
from likeness.doctor.part import Part
from likeness.findings import Finding
from likeness.represent.measures import occurrence, skewness
from likeness.represent.nearest import nearest

K = 10  # neighbours
CROWDED = 0.1  # share of all places in lists that the most listed hundredth of the rows may hold
ENOUGH = 100  # rows, from which on that share means something
SHOWN, BESIDE = 8, 8  # samples that are shown, and neighbours of each


def neighbours(
    z: Float[Tensor, "n d"],
    on_sphere: bool,
    images: Float[Tensor, "n c h w"] | None = None,
    y: Int[Tensor, " n"] | None = None,
    names: tuple[str, ...] = (),
    *,
    seed: int = 0,
) -> Part:
    """Hubs, and neighbours as pictures where images are given; by angle on the sphere, else by Euclidean distance."""
    n, k = len(z), min(K, len(z) - 1)
    found = nearest(z, k, cosine=on_sphere)
    if not float(found.distance.max()) > 1e-9:
        return Part("neighbours", "Neighbours", ["All rows are one point: any is as near as any other."])
    counts = occurrence(found.place)
    first = max(1, n // 100)
    share = float(counts.sort(descending=True).values[:first].sum()) / (n * k)
    orphans, largest = float((counts == 0).double().mean()), int(counts.max())
    words = [
        f"Each row has {k} nearest others. The one that is wanted most is among those of {largest} rows; {orphans:.0%} "
        "are among nobody's.",
    ]
    if k < K:
        words.append(f"There are only {n} rows: {k} neighbours are taken instead of {K}.")
    numbers: dict[str, Any] = {
        "hubness (skewness of how often a row is a neighbour)": skewness(counts),
        "share of the most wanted 1 % in all lists": share,
        "rows that are nobody's neighbour": orphans,
        "neighbours": k,
    }
    drawn = [charts.histogram(counts, title="How often a row is among the neighbours of others",
                              x=f"times among the {k} nearest", y="rows")]  # fmt: skip
    if images is not None:
        drawn.append(_pictures(images, found.place, y, names, seed))
    return Part("neighbours", "Neighbours", words, numbers, drawn, _hubs(n, k, share, largest, orphans))


def _hubs(n: int, k: int, share: float, largest: int, orphans: float) -> list[Finding]:
    if n < ENOUGH or share <= CROWDED:
        return []
    saw = f"Hubs: 1 % of the rows hold {share:.0%} of all places among {k} neighbours, one of them in {largest} lists, "
    saw += f"and {orphans:.0%} of the rows are in none."
    remedy = (
        "Searches will return the same few. Subtract the mean and compare by cosine, reduce the dimension, or correct "
        "distances by each row's own neighbourhood (local scaling, CSLS)."
    )
    return [Finding("hubs", saw, remedy)]


def _pictures(images: Tensor, place: Tensor, y: Tensor | None, names: tuple[str, ...], seed: int) -> str:
    """Of each class in turn where there are classes, so that none is shown by chance alone."""
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed)).tolist()
    if y is not None:
        seen: dict[int, int] = {}
        rank = {}
        for i in order:
            seen[int(y[i])] = rank[i] = seen.get(int(y[i]), -1) + 1
        order.sort(key=lambda i: rank[i])
    rows = [[i, *place[i, :BESIDE].tolist()] for i in order[:SHOWN]]
    words = "Each line: a sample on the left, then those nearest to it."
    if y is not None:
        alike = sum(int(y[row[0]] == y[j]) for row in rows for j in row[1:]) / sum(len(row) - 1 for row in rows)
        words += f" {alike:.0%} of the neighbours shown are of the sample's own class."
    return charts.neighbours(images, rows, title="The nearest samples of some", words=words)
