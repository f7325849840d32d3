"""Codes by their places, and the nearest of them in less time than it takes to look at all.

The codes of N exemplars are put into C ≈ √N cells around centres found by k-means. A query looks into the `probes`
cells whose centres are nearest to it:

    S(z) = the k nearest of { n : cell(n) among the nearest cells of z }                            (1)

which costs about C + probes · N / C ∝ √N distances instead of N. Who is found is nearly always among the nearest, not
always (`benchmarks/bench_retrieval.py` measures how often). Codes may be rewritten while the cells stay: then who is
looked at is decided by the cells of the last `arrange`, and who is nearest by the codes as they are.

Josef Sivic, Andrew Zisserman. Video Google: A Text Retrieval Approach to Object Matching in Videos. 2003.
https://doi.org/10.1109/ICCV.2003.1238663
"""

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from likeness.errors import InputError

FEW = 16_384  # codes among which looking at all is as fast
LEARNED = 64  # codes a cell from which the centres are learned, at most
BLOCK = 2**22  # distances held at once


class Table(nn.Module):
    """Room for `capacity` codes of size `d`, of which those that are `listed` can be found.

    Raises:
        InputError: room for no code.
    """

    packed: Tensor
    order: Tensor
    position: Tensor
    starts: Tensor
    listed: Tensor
    centres: Tensor

    def __init__(self, capacity: int, d: int, *, probes: int = 8) -> None:
        super().__init__()
        if capacity < 1 or probes < 1:
            raise InputError(f"a table of {capacity} codes, {probes} cells looked into: give one or more of each")
        self.probes = probes
        cells = math.isqrt(capacity - 1) + 1
        self.register_buffer("packed", torch.zeros(capacity, d))  # cell by cell, then those in none
        self.register_buffer("order", torch.arange(capacity))  # the row of each of them
        self.register_buffer("position", torch.arange(capacity))  # where each row is among them
        self.register_buffer("starts", torch.zeros(cells + 1, dtype=torch.long))  # where each cell begins
        self.register_buffer("listed", torch.zeros(capacity, dtype=torch.bool))
        self.register_buffer("centres", torch.zeros(cells, d))

    def __len__(self) -> int:
        return len(self.packed)

    @property
    def codes(self) -> Float[Tensor, "n d"]:
        """By their rows."""
        return self.packed[self.position]

    @classmethod
    def of(cls, codes: Float[Tensor, "n d"]) -> "Table":
        """A table of these codes, all of them listed."""
        made = cls(*codes.shape).to(codes.device)
        made.packed.copy_(codes)
        made.listed.fill_(True)
        return made

    def write(self, rows: Int[Tensor, " m"], codes: Float[Tensor, "m d"]) -> None:
        """Codes as they are now."""
        self.packed[self.position[rows]] = codes

    def arrange(self, listed: Bool[Tensor, " n"], *, seed: int = 0) -> None:
        """List these rows and no others, in cells around new centres."""
        codes, rows = self.codes, listed.nonzero()[:, 0]
        self.listed.copy_(listed)
        self.centres.copy_(kmeans(codes[rows], len(self.centres), seed=seed))
        cell = torch.full_like(self.order, len(self.centres))
        cell[rows] = nearest_centre(codes[rows], self.centres)
        self.order.copy_(cell.argsort(stable=True))
        self.position[self.order] = torch.arange(len(self), device=cell.device)
        self.packed.copy_(codes[self.order])
        self.starts[1:] = torch.bincount(cell, minlength=len(self.centres) + 1)[:-1].cumsum(0)

    def nearest(
        self, z: Float[Tensor, "n d"], k: int, own: Int[Tensor, " n"] | None = None, *, exact: bool = False
    ) -> Int[Tensor, "n k"]:
        """The rows of the k nearest listed codes, the nearest first; `own` is a row that each query does not find.

        `exact` looks at all of them, as is always done where there are few, and on a GPU, which is made for it.

        Raises:
            InputError: fewer than k are listed.
        """
        if len(self) < k + (own is not None):
            raise InputError(f"{k} neighbours of {len(self)} exemplars: ask for fewer, or add exemplars")
        mine = torch.full((len(z),), -1, device=z.device) if own is None else own
        rows = max(1, BLOCK // len(self)) if exact else 256
        search = self._among_all if exact or len(self) <= FEW or z.is_cuda else self._in_cells
        found, away = map(torch.cat, zip(*(search(a, k, b) for a, b in zip(z.split(rows), mine.split(rows)))))
        if bool(away.isinf().any()):
            raise InputError(f"{k} neighbours asked for, {int(self.listed.sum())} exemplars are listed: ask for fewer")
        return found

    def _among_all(self, z: Tensor, k: int, own: Tensor) -> tuple[Tensor, Tensor]:
        rows = torch.arange(len(self), device=z.device)
        away = squares(z, self.codes).masked_fill(~self.listed | (own[:, None] == rows), math.inf)
        near = away.topk(k, largest=False)
        return near.indices, near.values

    def _in_cells(self, z: Tensor, k: int, own: Tensor) -> tuple[Tensor, Tensor]:
        """One query at a time: cells lie in a row in memory, and to gather their codes for all would take longer."""
        cells = squares(z, self.centres).argsort(1)
        sizes = (self.starts[1:] - self.starts[:-1])[cells]
        before = sizes.cumsum(1) - sizes
        wanted = (before < k + 1).sum(1).clamp_min(self.probes).tolist()  # more cells where these hold too few
        starts, found = self.starts.tolist(), []
        for query, mine, row, n in zip(z, own, cells[:, : max(wanted)].tolist(), wanted):
            parts = [slice(starts[c], starts[c + 1]) for c in row[:n]]
            rows = torch.cat([self.order[part] for part in parts])
            away = torch.cat([self.packed[part] for part in parts]).sub_(query).square_().sum(1)
            away.masked_fill_(rows == mine, math.inf)
            lacking = k - len(rows)
            if lacking > 0:  # fewer are listed
                away, rows = (torch.cat((t, t.new_full((lacking,), v))) for t, v in ((away, math.inf), (rows, 0)))
            near = away.topk(k, largest=False)
            found.append((rows[near.indices], near.values))
        return torch.stack([f[0] for f in found]), torch.stack([f[1] for f in found])  # (1)


def squares(x: Float[Tensor, "n d"], y: Float[Tensor, "m d"]) -> Float[Tensor, "n m"]:
    """Squared distances of all pairs."""
    return torch.addmm(y.square().sum(1)[None], x, y.T, alpha=-2).add_(x.square().sum(1)[:, None]).clamp_min_(0)


def nearest_centre(x: Float[Tensor, "n d"], centres: Float[Tensor, "c d"]) -> Int[Tensor, " n"]:
    """The cell of each row."""
    return torch.cat([squares(part, centres).argmin(1) for part in x.split(max(1, BLOCK // len(centres)))])


def kmeans(x: Float[Tensor, "n d"], cells: int, *, steps: int = 5, seed: int = 0) -> Float[Tensor, "cells d"]:
    """Centres by Lloyd's steps on a part of the rows, from rows chosen by the seed; some coincide if rows are fewer."""
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed)).to(x.device)
    x = x[order[: LEARNED * cells]]
    centres = x[torch.arange(cells, device=x.device) % len(x)].clone()
    for _ in range(steps):
        cell = nearest_centre(x, centres)
        n = torch.bincount(cell, minlength=cells)[:, None]
        centres = torch.where(n > 0, torch.zeros_like(centres).index_add_(0, cell, x) / n.clamp_min(1), centres)
    return centres
