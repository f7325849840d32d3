"""A histogram in several dimensions, as a density: constant in each cell of a grid, zero outside.

    p(x) = (c_b + α) / ((n + α B) v)    for x in the cell b, of B cells of volume v   (1)

α = 0 gives the shares that were counted, α = 1 is Laplace's rule of succession: no cell of the grid is impossible.

Pierre-Simon Laplace. Essai philosophique sur les probabilités. 1814. https://archive.org/details/essaiphilosophiq00lapluoft
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from likeness.errors import InputError
from likeness.sampling import Streams, streams

LARGEST = 10_000_000  # cells


class Histogram(nn.Module):
    """Counts on a grid from `low` to `high`; `histogram(x, …)` makes one of samples.

    Args:
        counts: samples in each cell; as many dimensions as the samples have.
        low, high: corners of the grid.
        smoothing: α, added to every count.

    Raises:
        InputError: α is below zero, a corner is not below the other, or there is nothing in any cell.
    """

    log_prob_kind = "exact"
    counts: Tensor
    low: Tensor
    high: Tensor

    def __init__(
        self,
        counts: Int[Tensor, "*cells"],
        low: Float[Tensor, " d"],
        high: Float[Tensor, " d"],
        *,
        smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        if smoothing < 0:
            raise InputError(f"smoothing {smoothing}: give zero, or a count to add to every cell")
        if not (low < high).all():
            raise InputError(f"a grid from {low.tolist()} to {high.tolist()}: the first corner is below the second")
        if smoothing == 0 and counts.sum() == 0:
            raise InputError("no sample lies in the grid: widen it, or give a smoothing above zero")
        self.smoothing = smoothing
        for name, value in (("counts", counts), ("low", low), ("high", high)):
            self.register_buffer(name, value)

    def log_prob(self, x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """Nats, exact; −∞ outside the grid and, without smoothing, in empty cells."""
        size = torch.tensor(self.counts.shape, device=x.device)
        volume = ((self.high - self.low) / size).double().log().sum()
        place = ((x - self.low) / (self.high - self.low) * size).floor().long()
        inside = ((x >= self.low) & (x <= self.high)).all(1)
        place = place.clamp_min(0).minimum(size - 1)  # the last cell has its upper edge
        mass = self._mass()
        nats = (mass.log() - mass.sum().log() - volume)[tuple(place.T)]  # (1)
        return nats.masked_fill(~inside, -math.inf).to(x.dtype)

    @torch.no_grad()
    def sample(self, n: int, *, generator: int | Streams | None = None) -> Float[Tensor, "n d"]:
        source, device = streams(generator), self.counts.device
        edges = self._mass().flatten().cumsum(0)
        u = source.uniform(n, device=device).double() * edges[-1]
        cell = torch.bucketize(u, edges, right=True).clamp_max(len(edges) - 1)
        corner = torch.stack(torch.unravel_index(cell, self.counts.shape), dim=1)
        within = source.uniform(n, self.counts.ndim, device=device)
        size = torch.tensor(self.counts.shape, device=device)
        return self.low + (corner + within) / size * (self.high - self.low)

    def _mass(self) -> Tensor:
        return self.counts.double() + self.smoothing


def histogram(
    x: Float[Tensor, "n d"],
    cells: int,
    *,
    low: Float[Tensor, " d"] | None = None,
    high: Float[Tensor, " d"] | None = None,
    smoothing: float = 0.0,
) -> Histogram:
    """Count samples on a grid of `cells` in each dimension; without corners, from the least to the largest value.

    Raises:
        InputError: the grid would have too many cells; what `Histogram` raises.
    """
    d = x.shape[1]
    if cells < 1 or cells**d > LARGEST:
        raise InputError(f"{cells} cells in each of {d} dimensions: use 1 or more, and at most {LARGEST} in all")
    low, high = x.amin(0) if low is None else low, x.amax(0) if high is None else high
    empty = Histogram(torch.zeros((cells,) * d, dtype=torch.int64, device=x.device), low, high, smoothing=1.0)
    inside = x[empty.log_prob(x).isfinite()]
    place = ((inside - low) / (high - low) * cells).floor().long().clamp(0, cells - 1)
    flat = (place * cells ** torch.arange(d - 1, -1, -1, device=x.device)).sum(1)
    counts = torch.bincount(flat, minlength=cells**d).reshape((cells,) * d)
    return Histogram(counts, low, high, smoothing=smoothing)
