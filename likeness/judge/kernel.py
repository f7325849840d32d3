"""Kernel distance: the squared maximum mean discrepancy (MMD²) of two feature sets, without bias.

    MMD² = Σ_{i≠j} k(xᵢ,xⱼ) / n(n−1) + Σ_{i≠j} k(yᵢ,yⱼ) / m(m−1) − 2 Σᵢⱼ k(xᵢ,yⱼ) / nm      (1)
with k(x, y) = (xᵀy / d + 1)³ for the kernel (inception) distance. It is computed on the full sets from kernel sums
between groups of rows; the same sums give it with a group left out, hence its grouped jackknife interval. `subsets` is
the published protocol, means over random subsets, for comparison with other people's numbers.

Mikołaj Bińkowski, Dougal J. Sutherland, Michael Arbel, Arthur Gretton. Demystifying MMD GANs. 2018.
https://arxiv.org/abs/1801.01401
"""

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.errors import InputError
from likeness.judge.pairs import Kernel, between, polynomial, within
from likeness.judge.resample import groups_of, jackknife_interval


def mmd2(xx: Tensor, yy: Tensor, xy: Tensor, n: Tensor, m: Tensor) -> Tensor:
    """(1) from the sums over unlike pairs inside each of `n` and `m` rows and over all pairs between them."""
    return xx / (n * (n - 1)) + yy / (m * (m - 1)) - 2 * xy / (n * m)  # (1)


def kernel_distance(x: Float[Tensor, "n d"], y: Float[Tensor, "m d"], *, kernel: Kernel = polynomial) -> float:
    """MMD² (1) of the full sets."""
    return kernel_interval(*_sums(x, y, kernel), len(x), len(y))[0]


def kernel_interval(
    xx: Float[Tensor, "g g"], yy: Float[Tensor, "g g"], xy: Float[Tensor, "g g"], n: int, m: int
) -> tuple[float, float, float]:
    """MMD² with its jackknife interval, from the kernel sums between groups of rows (`pairs.within`, `between`)."""
    left_x, left_y = n - _sizes(n, len(xx)), m - _sizes(m, len(xx))
    without = mmd2(_without(xx), _without(yy), _without(xy), left_x, left_y)
    value = mmd2(xx.sum().cpu(), yy.sum().cpu(), xy.sum().cpu(), torch.tensor(n), torch.tensor(m))
    return jackknife_interval(float(value), without)


def subsets(
    x: Float[Tensor, "n d"], y: Float[Tensor, "m d"], *, count: int = 100, size: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """The published protocol: mean and standard deviation of (1) over random subsets of `size` rows of each set.

    Raises:
        InputError: a set is smaller than a subset.
    """
    if min(len(x), len(y)) < size:
        raise InputError(f"subsets of {size} from {min(len(x), len(y))} samples: ask for smaller subsets")
    generator = torch.Generator().manual_seed(seed)
    pick = [[torch.randperm(len(z), generator=generator)[:size] for z in (x, y)] for _ in range(count)]
    values = torch.tensor([kernel_distance(x[i], y[j]) for i, j in pick], dtype=torch.float64)
    return float(values.mean()), float(values.std(correction=0))


def _sums(x: Tensor, y: Tensor, kernel: Kernel) -> tuple[Tensor, Tensor, Tensor]:
    a, b = within(x, k=1, kernel=kernel), within(y, k=1, kernel=kernel)
    return a.sums, b.sums, between(x, y, a, b, kernel=kernel).sums


def _without(sums: Tensor) -> Tensor:
    return (sums.sum() - sums.sum(0) - sums.sum(1) + sums.diagonal()).cpu()


def _sizes(n: int, groups: int) -> Tensor:
    return torch.bincount(groups_of(n, groups=groups), minlength=groups).double()
