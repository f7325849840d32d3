"""Everything that is counted over pairs of feature vectors, in one blocked pass: neighbours, balls and kernel sums.

All of it comes from the inner products of a block of rows with a block of columns, in float64:
    d²(x, y) = ‖x‖² + ‖y‖² − 2 xᵀy                                                       (1)
so a pass needs memory for a few blocks, whatever the number of rows, and one pass serves precision, recall, density,
coverage and the kernel distance. `within` looks at one set (and can be kept for a reference used many times),
`between` at two.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import one_hot

from likeness.errors import InputError
from likeness.judge.resample import GROUPS, groups_of

BLOCK = 512  # a block of float64 stays in the cache of a core
K = 5  # neighbours, for precision, recall, density and coverage alike

Kernel = Callable[[Tensor, int], Tensor]  # inner products and the dimension of the features -> kernel values


class Within(NamedTuple):
    """One set: squared distance of each row to its k-th neighbour, and kernel sums of unlike pairs by groups."""

    radius: Float[Tensor, " n"]
    sums: Float[Tensor, "g g"]


class Between(NamedTuple):
    """Two sets: how many real balls hold a fake; whether a fake ball holds a real; whether a real ball holds a fake."""

    held: Int[Tensor, " m"]
    recalled: Bool[Tensor, " n"]
    covered: Bool[Tensor, " n"]
    sums: Float[Tensor, "g g"]


def polynomial(products: Tensor, d: int) -> Tensor:
    """The kernel of the kernel (inception) distance: (xᵀy / d + 1)³."""
    t = products.mul(1 / d).add_(1)
    return t.square().mul_(t)


def products(
    x: Float[Tensor, "n d"], y: Float[Tensor, "m d"] | None = None, *, block: int = BLOCK
) -> Iterator[tuple[slice, slice, Tensor]]:
    """Inner products of all pairs, a block at a time; of one set, each unordered pair of blocks once."""
    other = x if y is None else y
    for i in range(0, len(x), block):
        rows = slice(i, min(i + block, len(x)))
        left = x[rows].double()
        for j in range(i if y is None else 0, len(other), block):
            columns = slice(j, min(j + block, len(other)))
            yield rows, columns, left @ other[columns].double().T


def squared_norms(x: Float[Tensor, "n d"], *, block: int = BLOCK) -> Float[Tensor, " n"]:
    """‖x‖² of each row, in float64, without a copy of `x` in float64."""
    return torch.cat([part.double().square().sum(1) for part in x.split(block)])


def within(
    x: Float[Tensor, "n d"], *, k: int = K, kernel: Kernel = polynomial, groups: int = GROUPS, block: int = BLOCK
) -> Within:
    """Neighbours and kernel sums inside one set.

    Raises:
        InputError: no more rows than neighbours.
    """
    n, d = x.shape
    if n <= k:
        raise InputError(f"{n} samples are too few for {k} neighbours: give at least {k + 1}")
    norms, group = squared_norms(x, block=block), _one_hot(n, groups, x.device)
    near = torch.full((n, k), torch.inf, dtype=torch.float64, device=x.device)
    sums = torch.zeros(groups, groups, dtype=torch.float64, device=x.device)
    for rows, columns, xy in products(x, block=block):
        distance = _squared_distance(norms[rows], norms[columns], xy)
        value = kernel(xy, d)
        if rows == columns:
            distance.fill_diagonal_(torch.inf)
            value.fill_diagonal_(0)
        else:
            near[columns] = _nearer(near[columns], distance.T.contiguous())
        near[rows] = _nearer(near[rows], distance)
        part = group[rows].T @ (value @ group[columns])
        sums += part if rows == columns else part + part.T
    return Within(near[:, -1], sums)


def between(
    real: Float[Tensor, "n d"],
    fake: Float[Tensor, "m d"],
    real_radius: Float[Tensor, " n"],
    fake_radius: Float[Tensor, " m"],
    *,
    kernel: Kernel = polynomial,
    groups: int = GROUPS,
    block: int = BLOCK,
) -> Between:
    """Balls and kernel sums between two sets, given the squared radii of both."""
    (n, d), m, device = real.shape, len(fake), real.device
    norms, other_norms = squared_norms(real, block=block), squared_norms(fake, block=block)
    group, other_group = _one_hot(n, groups, device), _one_hot(m, groups, device)
    held = torch.zeros(m, dtype=torch.int64, device=device)
    recalled = torch.zeros(n, dtype=torch.bool, device=device)
    covered = torch.zeros(n, dtype=torch.bool, device=device)
    sums = torch.zeros(groups, groups, dtype=torch.float64, device=device)
    for rows, columns, xy in products(real, fake, block=block):
        distance = _squared_distance(norms[rows], other_norms[columns], xy)
        in_real = distance < real_radius[rows, None]
        held[columns] += in_real.sum(0, dtype=torch.int32)
        covered[rows] |= in_real.any(1)
        recalled[rows] |= (distance < fake_radius[columns]).any(1)
        sums += group[rows].T @ (kernel(xy, d) @ other_group[columns])
    return Between(held, recalled, covered, sums)


def nearest(x: Float[Tensor, "n d"], y: Float[Tensor, "m d"], *, block: int = BLOCK) -> Float[Tensor, " n"]:
    """Distance of each row of `x` to the nearest row of `y`, float64."""
    norms, other_norms = squared_norms(x, block=block), squared_norms(y, block=block)
    best = torch.full((len(x),), torch.inf, dtype=torch.float64, device=x.device)
    for rows, columns, xy in products(x, y, block=block):
        smallest = _squared_distance(norms[rows], other_norms[columns], xy).amin(1)
        best[rows] = torch.minimum(best[rows], smallest)
    return best.clamp(min=0).sqrt()


def _squared_distance(a: Tensor, b: Tensor, xy: Tensor) -> Tensor:
    return torch.add(b, xy, alpha=-2).add_(a[:, None])  # (1)


def _nearer(best: Tensor, distance: Tensor) -> Tensor:
    k = best.shape[1]
    new = distance if distance.shape[1] <= k else distance.topk(k, largest=False).values
    return torch.cat((best, new), 1).topk(k, largest=False).values


def _one_hot(n: int, groups: int, device: torch.device) -> Tensor:
    return one_hot(groups_of(n, groups=groups), groups).double().to(device)
