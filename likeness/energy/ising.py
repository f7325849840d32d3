"""The Ising model of binary images: couplings to neighbours and fields, learned from images.

    pseudo-likelihood       min −Σ_i log P(y_i | the others)                                        (1)
    contrastive divergence  min E(y) − E(y'),   y' a few Gibbs sweeps from y                        (2)
    likelihood              min E(y) + log Z,   of grids of which a side is short                   (3)

(1) needs no constant and no chain, and finds the couplings that the data were drawn by; (2) has a gradient near to
that of (3), and ends where sweeps no longer change the data in the mean; (3) is exact (`strips.py`). What the energy is
stands in `lattice.py`, what was under the noise of an image in `restoration.py`.

(1) Julian Besag. Statistical Analysis of Non-Lattice Data. 1975. https://doi.org/10.2307/2987782
(2) Geoffrey E. Hinton. Training Products of Experts by Minimizing Contrastive Divergence. 2002.
    https://doi.org/10.1162/089976602760128018
"""

from collections.abc import Callable, Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn

from likeness.chains.state import last
from likeness.core import Method, Terms, Update
from likeness.data.batch import Batch
from likeness.energy.lattice import NEAREST, Lattice, Offset, binary, colours, energy, pseudo_log_likelihood
from likeness.energy.restoration import sweeps
from likeness.energy.strips import exact_draws, log_partition, narrow
from likeness.errors import InputError
from likeness.ranks import per_sample
from likeness.sampling import Streams, streams

Objective = Callable[[Lattice], Terms]
Learning = Callable[[Lattice, Tensor], Objective]  # the law as it stands, images (n, h, w) of spins


def pseudo_likelihood(law: Lattice, y: Float[Tensor, "n h w"]) -> Objective:
    return lambda law: {"pseudo": -pseudo_log_likelihood(law, y).mean()}  # (1)


def contrastive_divergence(k: int = 1) -> Learning:
    """By k sweeps."""

    def learning(law: Lattice, y: Float[Tensor, "n h w"]) -> Objective:
        mine = int(per_sample(len(y), torch.arange)[0])
        away = last(sweeps(law, y, steps=k, source=streams(None).at(mine)))
        return lambda law: {"contrast": (energy(law, y) - energy(law, away)).mean()}  # (2)

    return learning


def likelihood(law: Lattice, y: Float[Tensor, "n h w"]) -> Objective:
    h, w = y.shape[1:]
    return lambda law: {"nll": energy(law, y).mean() + log_partition(law, h, w).to(y)}  # (3)


class Ising(Method):
    """A law of grey images (n, 1, h, w), of which what lies above a threshold is 1 and the rest -1.

    Args:
        event: (1, h, w).
        offsets: displacements to neighbours, each with a coupling of its own.
        by_pixel: whether each pixel has a field of its own, or all of them one.
        periodic: whether the last row and column are beside the first.
        learning: `pseudo_likelihood`, `contrastive_divergence(k)` or `likelihood`.
        threshold: of grey values in [-1, 1].
        steps: sweeps to a draw, where draws are not exact.

    Raises:
        InputError: images of several channels; what `colours` raises; fewer than one sweep.
    """

    def __init__(
        self,
        event: tuple[int, ...],
        *,
        offsets: tuple[Offset, ...] = NEAREST,
        by_pixel: bool = True,
        periodic: bool = False,
        learning: Learning = pseudo_likelihood,
        threshold: float = 0.0,
        steps: int = 200,
    ) -> None:
        super().__init__()
        c, h, w = event
        if c != 1:
            raise InputError(f"images of {c} channels: spins are black or white; use --channels 1")
        if steps < 1:
            raise InputError(f"steps {steps}: a draw takes one sweep or more")
        self.event, self.offsets, self.periodic = (c, h, w), offsets, periodic
        self.learning, self.threshold, self.steps = learning, threshold, steps
        self.J = nn.Parameter(torch.zeros(len(offsets)))
        self.h = nn.Parameter(torch.zeros(h, w) if by_pixel else torch.zeros(()))
        colours(self.law, h, w)

    @property
    def law(self) -> Lattice:
        """What has been learned."""
        return Lattice(self.J, self.h, self.offsets, self.periodic)

    @property
    def levels(self) -> int:
        """Values that a pixel has: `log_prob` is of images by the threshold."""
        return 2

    @property
    def exact(self) -> bool:
        """Whether the constant can be computed."""
        return narrow(*self.event[1:], self.periodic)

    @property
    def log_prob_kind(self) -> str:
        return "exact" if self.exact else "unnormalised"

    def updates(self, batch: Batch) -> Iterator[Update]:
        objective = self.learning(self.law, self.spins(batch.x))
        yield self, lambda: objective(self.law)

    def forward(self, x: Float[Tensor, "n 1 h w"]) -> Float[Tensor, " n"]:
        """The energy of images by the threshold."""
        return energy(self.law, self.spins(x))

    def spins(self, x: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "n h w"]:
        return binary(x[:, 0], self.threshold)

    def log_prob(self, x: Float[Tensor, "n 1 h w"]) -> Float[Tensor, " n"]:
        """Nats of images by the threshold; of grids with no short side without their constant."""
        return -self(x) - (log_partition(self.law, *self.event[1:]).to(x) if self.exact else 0)

    def pseudo(self, x: Float[Tensor, "n 1 h w"]) -> Float[Tensor, " n"]:
        """Nats of the pseudo-likelihood, which models of one data set can be compared by whatever their size."""
        return pseudo_log_likelihood(self.law, self.spins(x))

    @torch.no_grad()
    def sample(self, n: int, *, generator: int | Streams | None = None) -> Float[Tensor, "n 1 h w"]:
        """Exact draws where a side is short and nothing is periodic, else the end of sweeps that begin at chance."""
        source, (_, h, w) = streams(generator), self.event
        if self.exact and not self.periodic:
            return exact_draws(self.law, n, h, w, source)[:, None]
        start = binary(source.uniform(n, h, w, device=self.J.device) - 0.5)
        return last(sweeps(self.law, start, steps=self.steps, source=source))[:, None]
