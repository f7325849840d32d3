"""How like are two tables: the distribution of each column, its gaps, and the association of each pair of columns.

Of a column, the distance between draws and data lies between 0 and 1:
    numbers       Kolmogorov and Smirnov's   sup |F − G|, of the values that are there                    (1)
    categories    total variation            ½ Σ |p − q|, a gap being a value of its own                  (2)
    gaps          the difference of their shares                                                          (3)
Of a pair of columns, the association lies between 0 and 1, but for numbers, where it has a sign:
    two numbers     Spearman's ρ, the correlation of the ranks                                            (4)
    both            the correlation ratio η of the ranks, η² = 1 − S_within / S_total, made free of bias:
                    1 − (1 − η²)(n − 1)/(n − k), not below 0                                              (5)
    two categories  Cramér's V without bias: φ² = max(0, χ²/n − (k−1)(l−1)/(n−1)), V² = φ² / min(k̃−1, l̃−1),
                    k̃ = k − (k−1)²/(n−1)                                                                  (6)
Rows where either number is missing are left out of their pair; whether it is missing is a category of its own. Ranks,
because one large value decides a correlation of heavy-tailed numbers.

All of them are functions of sums over rows, so that intervals cost little: a grouped jackknife (`resample`).

(4) Charles Spearman. The Proof and Measurement of Association between Two Things. 1904.
    https://doi.org/10.2307/1412159
(5) Truman L. Kelley. An Unbiased Correlation Ratio Measure. 1935. https://doi.org/10.1073/pnas.21.9.554
(6) Wicher Bergsma. A bias-correction for Cramér's V and Tschuprow's T. 2013.
    https://doi.org/10.1016/j.jkss.2012.10.002
"""

from collections.abc import Iterator
from itertools import combinations, pairwise
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from likeness.data.columns import Category, Columns
from likeness.judge.resample import GROUPS, groups_of, jackknife_interval


class Variable(NamedTuple):
    """What of a table is compared: a number with its rows that are there, or a category as one column a value."""

    name: str
    values: Float[Tensor, "n k"]
    there: Bool[Tensor, " n"] | None = None

    @property
    def is_number(self) -> bool:
        return self.there is not None


class Difference(NamedTuple):
    """A mean over columns or pairs as (value, low, high), and the one that differs most, with its difference."""

    mean: tuple[float, float, float]
    worst: str
    largest: float


class Table(NamedTuple):
    """Differences of draws from data; None where a table has no gaps, or no two columns."""

    marginals: Difference
    gaps: Difference | None
    association: Difference | None


def variables(x: Float[Tensor, "n d"], columns: Columns) -> list[Variable]:
    """The columns, and after a number with gaps whether it is missing; a category that was never seen has a value."""
    found, blocks = [], x.double().cpu().split([column.width for column in columns.columns], dim=1)
    for column, block in zip(columns.columns, blocks):
        if isinstance(column, Category):
            strange = (block.sum(1, keepdim=True) == 0).double()
            hot = torch.eye(column.width, dtype=torch.float64)[block.argmax(1)]
            found.append(Variable(column.name, torch.cat((hot * (1 - strange), strange), dim=1)))
            continue
        gap = block[:, 1] > 0.5 if column.gaps else torch.zeros(len(block), dtype=torch.bool)
        found.append(Variable(column.name, block[:, :1], ~gap))
        if column.gaps:
            found.append(Variable(f"{column.name}: gap", torch.stack((~gap, gap), dim=1).double()))
    return found


def compare(x: Float[Tensor, "n d"], reference: Float[Tensor, "m d"], columns: Columns) -> Table:
    """What sets the rows `x` apart from the reference, both encoded by `columns` and in random order."""
    own, real = variables(x, columns), variables(reference, columns)
    gap = {v.name for v in real if v.name.endswith(": gap")} - {c.name for c in columns.columns}
    distances = torch.stack([distance(a, b) for a, b in zip(own, real)])
    names = [v.name for v in real]
    marginal = [i for i, name in enumerate(names) if name not in gap]
    missing = [i for i, name in enumerate(names) if name in gap]
    a, b = associations(own), associations(real)
    apart = (a - b).abs()
    pairs = [f"{p} × {q}" for p, q in _pairs(names)]
    return Table(
        _difference(distances[marginal], [names[i] for i in marginal]),
        _difference(distances[missing], [names[i].removesuffix(": gap") for i in missing]) if missing else None,
        _difference(apart, pairs) if len(columns.columns) > 1 else None,
    )


def _difference(values: Float[Tensor, "v g"], names: list[str]) -> Difference:
    """Columns of `values`: of all rows first, then without each of the groups."""
    at = int(values[:, 0].argmax())
    mean = values.mean(0)
    interval = jackknife_interval(float(mean[0]), mean[1:], lowest=0.0, highest=2.0)
    return Difference(interval, names[at], float(values[at, 0]))


# --------------------------------------------------------------------------------------------- of one column


def distance(a: Variable, b: Variable) -> Float[Tensor, " g"]:
    """Between the distributions of a column, of all rows and without each of the groups."""
    if a.there is not None and b.there is not None:
        return _smirnov(a.values[a.there, 0], b.values[b.there, 0])
    p, q = (_shares(v.values) for v in (a, b))
    return (p - q).abs().sum(1) / 2  # (2), (3)


def _shares(hot: Float[Tensor, "n k"]) -> Float[Tensor, "g k"]:
    total, parts = hot.sum(0), _by_group(hot)
    counts = torch.cat((total[None], total - parts))
    return counts / counts.sum(1, keepdim=True)


def _smirnov(a: Float[Tensor, " n"], b: Float[Tensor, " m"]) -> Float[Tensor, " g"]:
    """Supremum of the difference of the empirical distribution functions; 1 where one set is empty."""
    if not (len(a) and len(b)):
        return torch.ones(1 + GROUPS, dtype=torch.float64)
    edges = torch.cat((a, b)).unique()
    f, g = (_cumulated(v, edges) for v in (a, b))
    return (f - g).abs().amax(1)  # (1)


def _cumulated(values: Float[Tensor, " n"], edges: Float[Tensor, " e"]) -> Float[Tensor, "g e"]:
    place, group = torch.searchsorted(edges, values), groups_of(len(values))
    counts = torch.zeros(GROUPS, len(edges), dtype=torch.float64)
    counts.index_put_((group, place), torch.ones(len(values), dtype=torch.float64), accumulate=True)
    kept = torch.cat((counts.sum(0, keepdim=True), counts.sum(0) - counts)).cumsum(1)
    return kept / kept[:, -1:].clamp_min(1)


# ---------------------------------------------------------------------------------------------- of two columns


def association(x: Float[Tensor, "n d"], columns: Columns) -> tuple[list[str], Float[Tensor, "v v"]]:
    """The names and the symmetric matrix of associations, ones on its diagonal."""
    found = variables(x, columns)
    names, values = [v.name for v in found], associations(found)[:, 0]
    A = torch.eye(len(names), dtype=torch.float64)
    for (i, j), value in zip(combinations(range(len(names)), 2), values):
        A[i, j] = A[j, i] = value
    return names, A


def associations(table: list[Variable]) -> Float[Tensor, "pairs g"]:
    """Of each pair of variables, of all rows and without each of the groups."""
    blocks = [_sums(v) for v in table]
    S = _products(torch.cat(blocks, dim=1))
    edges = np.cumsum([0, *(block.shape[1] for block in blocks)]).tolist()
    at = [slice(a, b) for a, b in pairwise(edges)]
    found = [_pair(S, at[i], at[j], table[i], table[j]) for i, j in combinations(range(len(table)), 2)]
    return torch.stack(found) if found else torch.zeros(0, 1 + GROUPS, dtype=torch.float64)


def _pairs(names: list[str]) -> Iterator[tuple[str, str]]:
    return combinations(names, 2)


def _sums(v: Variable) -> Float[Tensor, "n k"]:
    """Of what rows are summed: 1, r and r² where a number of rank r is there, 1 for the value of a category."""
    if v.there is None:
        return v.values
    from scipy.stats import rankdata

    r = torch.zeros(len(v.there), dtype=torch.float64)
    if (n := int(v.there.sum())) > 0:
        r[v.there] = torch.from_numpy(rankdata(v.values[v.there, 0].numpy())) / n - (n + 1) / (2 * n)
    return torch.stack((v.there.double(), r, r.square()), dim=1)


def _products(U: Float[Tensor, "n p"]) -> Float[Tensor, "g p p"]:
    """UᵀU of all rows, and without each of the groups."""
    group = groups_of(len(U))
    parts = torch.stack([U[group == a].T @ U[group == a] for a in range(GROUPS)])
    return torch.cat((parts.sum(0, keepdim=True), parts.sum(0) - parts))


def _by_group(values: Float[Tensor, "n k"]) -> Float[Tensor, "g k"]:
    empty = torch.zeros(GROUPS, values.shape[1], dtype=values.dtype)
    return empty.index_add_(0, groups_of(len(values)), values)


def _pair(S: Tensor, i: slice, j: slice, a: Variable, b: Variable) -> Float[Tensor, " g"]:
    if a.is_number and b.is_number:
        return _spearman(S[:, i, j])
    if a.is_number or b.is_number:
        return _ratio(S[:, i, j] if b.is_number else S[:, j, i])
    return _cramer(S[:, i, j])


def _spearman(s: Float[Tensor, "g 3 3"]) -> Float[Tensor, " g"]:
    """From the sums of 1, r and r² of one number times those of the other, over rows that have both."""
    n = s[:, 0, 0].clamp_min(1)
    a, b = s[:, 1, 0] / n, s[:, 0, 1] / n
    spread = (s[:, 2, 0] / n - a.square()).clamp_min(0) * (s[:, 0, 2] / n - b.square()).clamp_min(0)
    together = s[:, 1, 1] / n - a * b
    return torch.where(spread > 1e-20, together / spread.clamp_min(1e-20).sqrt(), 0.0)  # (4)


def _ratio(s: Float[Tensor, "g k 3"]) -> Float[Tensor, " g"]:
    """From the sums of 1, r and r² within each value of a category."""
    n_k, n = s[..., 0], s[..., 0].sum(1)
    total = s[..., 2].sum(1) - s[..., 1].sum(1).square() / n.clamp_min(1)
    within = (s[..., 2] - s[..., 1].square() / n_k.clamp_min(1)).sum(1)
    k = (n_k > 0).sum(1)
    scale = (n - 1) / (n - k).clamp_min(1)
    square = 1 - (within / total.clamp_min(1e-20)).clamp(0, 1) * scale  # (5)
    return torch.where((total > 1e-12) & (k > 1), square.clamp_min(0), 0.0).sqrt()


def _cramer(c: Float[Tensor, "g k l"]) -> Float[Tensor, " g"]:
    """From the counts of pairs of values."""
    n = c.sum((1, 2)).clamp_min(2)
    rows, cols = c.sum(2), c.sum(1)
    expected = rows[:, :, None] * cols[:, None, :]
    phi2 = torch.where(expected > 0, c.square() / expected.clamp_min(1e-20), 0.0).sum((1, 2)) - 1
    k, m = ((margin > 0).sum(1).double() for margin in (rows, cols))
    phi2 = (phi2 - (k - 1) * (m - 1) / (n - 1)).clamp_min(0)
    least = torch.minimum(k - (k - 1).square() / (n - 1), m - (m - 1).square() / (n - 1)) - 1
    return torch.where(least > 1e-9, phi2 / least.clamp_min(1e-9), 0.0).clamp_max(1).sqrt()  # (6)
