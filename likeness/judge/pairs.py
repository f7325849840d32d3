"""Everything that is counted over pairs of feature vectors, in one blocked pass: neighbours, balls and kernel sums.

All of it comes from the inner products of a block of rows with a block of columns, in float64:
    d²(x, y) = ‖x‖² + ‖y‖² − 2 xᵀy
so a pass needs memory for a few blocks, whatever the number of rows, and one pass serves precision, recall, density,
coverage and the kernel distance. Processes share the blocks out and put together what they found. `within` looks at one
set (and can be kept for a reference used many times), `between` at two.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import one_hot

from likeness.errors import InputError
from likeness.judge.resample import GROUPS, groups_of
from likeness.ranks import world
from likeness.spread import spread

BLOCK = 1024
K = 5  # neighbours, for precision, recall, density and coverage alike
SPARE = 5  # neighbours kept beyond k, so that k are left without any one group

Kernel = Callable[[Tensor, int], Tensor]  # inner products and the dimension of the features -> kernel values


class Within(NamedTuple):
    """One set.

    Attributes:
        radius: squared distance of each row to its k-th neighbour, with each group left out in turn, then with none.
        sums: kernel sums over unlike pairs, between groups.
    """

    radius: Float[Tensor, "n leave"]
    sums: Float[Tensor, "g g"]


class Between(NamedTuple):
    """Two sets; columns as in `Within`, rows of a group that is left out count nothing.

    Attributes:
        held: in how many balls of real rows each generated row lies.
        covered: how many generated rows lie in the ball of each real row.
        recalled: in how many balls of generated rows each real row lies.
        sums: kernel sums over all pairs, between groups.
    """

    held: Int[Tensor, "m leave"]
    covered: Int[Tensor, "n leave"]
    recalled: Int[Tensor, "n leave"]
    sums: Float[Tensor, "g g"]


def polynomial(products: Tensor, d: int) -> Tensor:
    """The kernel of the kernel (inception) distance: (xᵀy / d + 1)³."""
    t = products.mul(1 / d).add_(1)
    return t.square().mul_(t)


def blocks(n: int, m: int | None = None, *, block: int = BLOCK) -> list[tuple[slice, slice]]:
    """All pairs of rows cut into blocks; of one set (no `m`), each unordered pair of blocks once."""
    rows = [slice(i, min(i + block, n)) for i in range(0, n, block)]
    if m is None:
        return [(a, b) for i, a in enumerate(rows) for b in rows[i:]]
    return [(a, slice(j, min(j + block, m))) for a in rows for j in range(0, m, block)]


def product(x: Float[Tensor, "n d"], y: Float[Tensor, "m d"]) -> Float[Tensor, "n m"]:
    """Inner products of all pairs, in float64."""
    return x.double() @ y.double().T


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
    norms, group = squared_norms(x, block=block), groups_of(n, groups=groups).to(x.device)
    hot = one_hot(group, groups).double()
    near = Near.none(n, min(n - 1, k + SPARE), x.device)
    cut = blocks(n, block=block)

    def look(b: int) -> Tensor:
        rows, columns = cut[b]
        xy = product(x[rows], x[columns])
        distance = _squared_distance(norms[rows], norms[columns], xy)
        value = kernel(xy, d)
        if rows == columns:
            distance.fill_diagonal_(torch.inf)
            value.fill_diagonal_(0)
        else:
            near.update(columns, distance.T.contiguous(), group[rows])
        near.update(rows, distance, group[columns])
        part = hot[rows].T @ (value @ hot[columns])
        return part if rows == columns else part + part.T

    sums = torch.stack(spread(look, len(cut))).sum(0)
    return Within(near.together().radius(k, groups), sums)


def between(
    real: Float[Tensor, "n d"],
    fake: Float[Tensor, "m d"],
    real_inside: Within,
    fake_inside: Within,
    *,
    kernel: Kernel = polynomial,
    block: int = BLOCK,
) -> Between:
    """Balls and kernel sums between two sets, given the pass within each."""
    (n, d), m, (groups, _) = real.shape, len(fake), real_inside.sums.shape
    norms, other_norms = squared_norms(real, block=block), squared_norms(fake, block=block)
    group, other_group = (groups_of(len(z), groups=groups).to(real.device) for z in (real, fake))
    hot, other_hot = one_hot(group, groups).double(), one_hot(other_group, groups).double()
    stays, other_stays = _stays(group, groups), _stays(other_group, groups)
    widest, other_widest = real_inside.radius.amax(1), fake_inside.radius.amax(1)
    held, covered, recalled = (torch.zeros(c, groups + 1, dtype=torch.int32, device=real.device) for c in (m, n, n))
    cut = blocks(n, m, block=block)

    def look(b: int) -> Tensor:
        rows, columns = cut[b]
        xy = product(real[rows], fake[columns])
        distance = _squared_distance(norms[rows], other_norms[columns], xy)
        i, j = (distance < widest[rows, None]).nonzero(as_tuple=True)
        hit = _inside(distance[i, j], real_inside.radius[rows][i], stays[rows][i], other_stays[columns][j])
        held[columns].index_add_(0, j, hit)
        covered[rows].index_add_(0, i, hit)
        i, j = (distance < other_widest[columns]).nonzero(as_tuple=True)
        hit = _inside(distance[i, j], fake_inside.radius[columns][j], stays[rows][i], other_stays[columns][j])
        recalled[rows].index_add_(0, i, hit)
        return hot[rows].T @ (kernel(xy, d) @ other_hot[columns])

    sums = torch.stack(spread(look, len(cut))).sum(0)
    held, covered, recalled = (world().sum(counts) for counts in (held, covered, recalled))
    return Between(held, covered, recalled, sums)


def nearest(x: Float[Tensor, "n d"], y: Float[Tensor, "m d"], *, block: int = BLOCK) -> Float[Tensor, " n"]:
    """Distance of each row of `x` to the nearest row of `y`, float64."""
    norms, other_norms = squared_norms(x, block=block), squared_norms(y, block=block)

    def best(i: int) -> Tensor:
        rows = slice(i * block, (i + 1) * block)
        found = [
            _squared_distance(norms[rows], other_norms[columns], product(x[rows], y[columns])).amin(1)
            for columns in (slice(j, j + block) for j in range(0, len(y), block))
        ]
        return torch.stack(found).amin(0)

    return torch.cat(spread(best, -(-len(x) // block))).clamp(min=0).sqrt()


def _squared_distance(a: Tensor, b: Tensor, xy: Tensor) -> Tensor:
    return torch.add(b, xy, alpha=-2).add_(a[:, None])


def _stays(group: Tensor, groups: int) -> Tensor:
    return group[:, None] != torch.arange(groups + 1, device=group.device)


def _inside(distance: Tensor, radius: Tensor, stays: Tensor, other_stays: Tensor) -> Tensor:
    """For some pairs, with which group left out both are there and the one is in the other's ball."""
    return ((distance[:, None] < radius) & stays & other_stays).int()


class Near(NamedTuple):
    """The squared distances to the nearest few of each row so far, and the groups that those belong to."""

    distance: Tensor
    group: Tensor

    @classmethod
    def none(cls, n: int, few: int, device: torch.device) -> "Near":
        distance = torch.full((n, few), torch.inf, dtype=torch.float64, device=device)
        return cls(distance, torch.full((n, few), -1, device=device))

    def update(self, rows: slice, distance: Tensor, group: Tensor) -> None:
        """Take in the distances of some rows to others, whose groups are given."""
        few = self.distance.shape[1]
        new, place = distance.topk(min(few, distance.shape[1]), largest=False)
        both = torch.cat((self.distance[rows], new), 1)
        groups = torch.cat((self.group[rows], group[place]), 1)
        self.distance[rows], kept = both.topk(few, largest=False)
        self.group[rows] = groups.gather(1, kept)

    def together(self) -> "Near":
        """With what the other processes found among their pairs."""
        both, groups = (torch.cat(world().collect(mine), 1) for mine in self)
        distance, kept = both.topk(self.distance.shape[1], largest=False)
        return Near(distance, groups.gather(1, kept))

    def radius(self, k: int, groups: int) -> Tensor:
        """Squared distance to the k-th neighbour with each group left out, then with none, `(n, groups + 1)`.

        Where a group holds so many of the few that fewer than k are left, the farthest known stands in.
        """
        left = [self.distance.masked_fill(self.group == a, torch.inf).sort(1).values[:, k - 1] for a in range(groups)]
        radius = torch.stack((*left, self.distance[:, k - 1]), 1)
        return torch.minimum(radius, self.distance[:, -1:])
