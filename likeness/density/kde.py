"""Kernel density: a Gaussian on every training sample, of a width that makes unseen samples likely.

    p(x) = 1/n Σⱼ N(x; xⱼ, diag(h²))                                                  (1)
    max_h  Σᵢ log p₋ᵢ(xᵢ),   p₋ᵢ without the sample itself                            (2)

With the sample itself (2) would grow without bound as h falls. h is learned by its gradient, one for each dimension,
from Scott's rule on; the samples are those that come along in the first epoch.

Robert P. W. Duin. On the Choice of Smoothing Parameters for Parzen Estimators of Probability Density Functions. 1976.
https://doi.org/10.1109/TC.1976.1674577
"""

import math
from collections.abc import Iterator

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from likeness.core import Method, Update
from likeness.data.batch import Batch
from likeness.errors import InputError
from likeness.ranks import gather, per_sample
from likeness.sampling import Streams, streams

BLOCK = 2**22  # distances held at once


def log_density(
    x: Float[Tensor, "n d"],
    points: Float[Tensor, "m d"],
    h: Float[Tensor, " d"],
    used: Bool[Tensor, "n m"] | Bool[Tensor, " m"],
) -> Float[Tensor, " n"]:
    """Nats of each sample under kernels of width `h` on the points that are `used` (for each sample apart, maybe)."""
    a, b = x / h, points / h
    squares = a.square().sum(1)[:, None] + b.square().sum(1) - 2 * a @ b.T
    nats = torch.logsumexp((-squares / 2).masked_fill(~used, -math.inf), dim=1)
    return nats - used.sum(-1).log() - h.log().sum() - len(h) / 2 * math.log(2 * math.pi)  # (1)


class KDE(Method):
    """Kernels on the first `capacity` samples that `updates` sees, vectors (n, d) in batches of one size.

    Args:
        floor: the least width, for data with copies: there (2) would have no width at all.

    Raises:
        InputError: the capacity is below 2, or the floor not above zero.
    """

    log_prob_kind = "exact"
    points: Tensor
    places: Tensor

    def __init__(self, d: int, capacity: int, *, floor: float = 1e-3) -> None:
        super().__init__()
        if capacity < 2:
            raise InputError(f"capacity {capacity}: a kernel density needs 2 samples or more")
        if floor <= 0:
            raise InputError(f"floor {floor}: the least width is above zero")
        self.floor = floor
        self.log_h = nn.Parameter(torch.zeros(d, dtype=torch.float64))
        self.register_buffer("points", torch.zeros(capacity, d))
        self.register_buffer("places", torch.full((capacity,), -1))  # in the split; -1: no sample yet

    def updates(self, batch: Batch) -> Iterator[Update]:
        x = gather(batch.x)
        first, mine = self.iteration * len(x), batch.index
        if mine is None:  # of a stream, where none comes twice
            mine = per_sample(len(batch.x), lambda n: torch.arange(first, first + n))
        mine = mine.to(x.device)
        self._keep(x, gather(mine), first)
        if self.iteration == 0:
            self.log_h.data.copy_(scott(x, len(self.points)).log())
        used = (self.places >= 0) & (self.places != mine[:, None])
        yield self, lambda: {"nll": -self._nats(batch.x, used).mean()}  # (2)

    def _keep(self, x: Tensor, places: Tensor, first: int) -> None:
        room = len(self.points) - first
        if room > 0:
            self.points[first : first + len(x)] = x[:room]
            self.places[first : first + len(x)] = places[:room]

    @property
    def h(self) -> Float[Tensor, " d"]:
        """Width of the kernels in each dimension, float64."""
        return self.log_h.clamp_min(math.log(self.floor)).exp()

    def log_prob(self, x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """Nats, exact; as much memory as a fixed number of distances takes."""
        used, rows = self.places >= 0, max(1, BLOCK // len(self.points))
        return torch.cat([self._nats(part, used) for part in x.split(rows)]).to(x.dtype)

    def _nats(self, x: Tensor, used: Tensor) -> Tensor:
        return log_density(x.double(), self.points.double(), self.h, used)

    @torch.no_grad()
    def sample(self, n: int, *, generator: int | Streams | None = None) -> Float[Tensor, "n d"]:
        source, device = streams(generator), self.points.device
        known = self.points[self.places >= 0]
        j = source.integers(n, len(known), device=device)
        return known[j] + self.h.float() * source.normal(n, known.shape[1], device=device)


def scott(x: Float[Tensor, "n d"], n: int) -> Float[Tensor, " d"]:
    """Scott's rule for `n` samples distributed as `x`, where a Gaussian fits: σ n^(−1/(d+4))."""
    return x.std(0).clamp_min(1e-6) * n ** (-1 / (x.shape[1] + 4))
