"""Two-sample test with a kernel: MMD² against its distribution when the pooled samples are relabelled at random.

    k(a, b) = exp(−‖a − b‖² / 2h²),  h the median distance of pooled samples              (1)
    p = (1 + #{r : MMD²_r ≥ MMD²}) / (1 + R)   over R random relabellings                 (2)
With e ∈ {0, 1}^{2n} the labels of a relabelling and K the pooled kernel matrix with a zero diagonal, MMD² needs only
eᵀKe, eᵀK1 and 1ᵀK1, so that R relabellings are one matrix product.

Arthur Gretton et al. A Kernel Two-Sample Test. 2012. https://jmlr.org/papers/v13/gretton12a.html
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.errors import InputError
from likeness.judge.kernel import kernel_interval, mmd2
from likeness.judge.pairs import blocks, product, squared_norms
from likeness.judge.resample import GROUPS, groups_of

PERMUTATIONS = 500
LARGEST = 2000  # samples of each set: the test is strong there, and its cost grows with the square


class Mmd(NamedTuple):
    """MMD² as (value, low, high), the p-value of "same distribution", the width h and the samples used of each set."""

    mmd2: tuple[float, float, float]
    p: float
    h: float
    n: int


def median_distance(x: Float[Tensor, "n d"]) -> float:
    """The median heuristic (1): the median distance of unlike pairs among at most 1000 rows spread over the set."""
    some = x[:: max(1, len(x) // 1000)].double()
    return float(torch.pdist(some).median())  # (1)


def mmd_test(
    x: Float[Tensor, "n d"],
    y: Float[Tensor, "m d"],
    *,
    permutations: int = PERMUTATIONS,
    largest: int = LARGEST,
    seed: int = 0,
) -> Mmd:
    """The test on feature sets whose rows are in random order; the interval of MMD² is a grouped jackknife.

    Raises:
        InputError: fewer than 20 samples in either set.
    """
    n = min(len(x), len(y), largest)
    if n < 2 * GROUPS:
        raise InputError(f"{n} samples are too few for an MMD test: give at least {2 * GROUPS} of both")
    pooled = torch.cat((x[:n], y[:n]))
    h = median_distance(pooled) or 1.0
    K = _gram(pooled, h)
    e = _labels(n, permutations, seed).to(K)
    values = _relabelled(K, e, n)
    p = (1 + int((values[1:] >= values[0]).sum())) / (1 + permutations)  # (2)
    return Mmd(kernel_interval(*_group_sums(K, n), n, n), p, h, n)


def _gram(x: Tensor, h: float) -> Tensor:
    K = x.new_empty(len(x), len(x), dtype=torch.float64)
    norms = squared_norms(x)
    for rows, columns in blocks(len(x)):
        xy = product(x[rows], x[columns])
        value = torch.add(norms[columns], xy, alpha=-2).add_(norms[rows, None]).div_(-2 * h**2).exp_()  # (1)
        K[rows, columns] = value
        K[columns, rows] = value.T
    return K.fill_diagonal_(0)


def _labels(n: int, permutations: int, seed: int) -> Tensor:
    """`(2n, 1 + permutations)`: the true labelling first, each column n ones."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.rand(permutations, 2 * n, generator=generator).argsort(1)
    drawn = torch.zeros(permutations, 2 * n).scatter_(1, order[:, :n], 1.0)
    return torch.cat((torch.arange(2 * n)[None] < n, drawn)).T.contiguous()


def _relabelled(K: Tensor, e: Tensor, n: int) -> Tensor:
    inside = (e * (K @ e)).sum(0)
    row = K.sum(1) @ e
    size = K.new_tensor(n)
    return mmd2(inside, K.sum() - 2 * row + inside, row - inside, size, size)


def _group_sums(K: Tensor, n: int) -> tuple[Tensor, Tensor, Tensor]:
    group = torch.nn.functional.one_hot(groups_of(n)).to(K)
    xx, yy, xy = (group.T @ part @ group for part in (K[:n, :n], K[n:, n:], K[:n, n:]))
    return xx, yy, xy
