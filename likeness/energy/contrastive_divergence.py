"""Contrastive divergence: the energy of data is lowered, that of the model's own samples is raised.

    ∇_θ E_data[−log p(x)] = E_data[∇_θ E(x)] − E_p[∇_θ E(x)]                                          (1)
    x⁻:  k Langevin steps  x ← x − (η/2) ∇E(x) + √η ξ,  begun at data (CD-k)                          (2)
         or at the states where earlier chains ended (persistent), of which a share begins anew       (3)
    minimised:  E_data[E] − E_x⁻[E] + α E[E(x)² + E(x⁻)²]                                             (4)

Chains begun at data show what is wrong near data and never what is far from them; persistent ones wander off and find
it. They are to be few enough that each goes on every few steps. The second part of (4) holds the energies near zero,
which the first leaves open.

Geoffrey E. Hinton. Training Products of Experts by Minimizing Contrastive Divergence. 2002.
https://doi.org/10.1162/089976602760128018
(3) Tijmen Tieleman. Training restricted Boltzmann machines using approximations to the likelihood gradient. 2008.
    https://doi.org/10.1145/1390156.1390290
(4) Yilun Du, Igor Mordatch. Implicit Generation and Generalization in Energy-Based Models. 2019.
    https://arxiv.org/abs/1903.08689
"""

import math
from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from likeness.chains.state import OfBatch, last
from likeness.core import Method, Terms, Update
from likeness.data.batch import Batch
from likeness.energy.alarms import gap
from likeness.energy.energies import valued
from likeness.energy.reference import Reference, Tilted
from likeness.energy.replay import Replay
from likeness.energy.walks import DRAWS, NEGATIVES, Walk
from likeness.errors import InputError
from likeness.nn.modes import evaluating
from likeness.ranks import noise_like
from likeness.sampling import Streams, streams


class ContrastiveDivergence(Method):
    """The energy of a network `f` (x → (n,)), tilted from a Gaussian that is fitted to the first batch.

    Args:
        event: the shape of one sample.
        buffer: ends kept for persistent chains, at least a batch; 0 begins them at data. The papers keep 10 000, for
            trainings a hundred times as long.
        restart: the share of persistent chains that begins anew.
        walk: of the negatives (2).
        drawing: of `sample`.
        penalty: α of (4).
        smooth: standard deviation of noise on data, as a share of theirs, which makes steep energies learnable.

    Raises:
        InputError: a number is out of its range; in training, a batch is larger than the buffer, or steps explode.
    """

    log_prob_kind = "unnormalised"

    def __init__(
        self,
        f: nn.Module,
        event: Sequence[int],
        *,
        buffer: int = 1000,
        restart: float = 0.05,
        walk: Walk = NEGATIVES,
        drawing: Walk = DRAWS,
        penalty: float = 0.01,
        smooth: float = 0.0,
    ) -> None:
        super().__init__()
        if buffer < 0 or penalty < 0 or smooth < 0:
            raise InputError(f"buffer {buffer}, penalty {penalty:g}, smooth {smooth:g}: give numbers of zero or more")
        if not 0 <= restart <= 1:
            raise InputError(f"restart {restart:g}: give a share from 0 to 1, such as 0.05")
        self.E, self.restart = Tilted(f, Reference(event)), restart
        self.walk, self.drawing, self.penalty, self.smooth = walk, drawing, penalty, smooth
        self.replay = Replay(torch.zeros(buffer, math.prod(event))) if buffer else None

    @property
    def reference(self) -> Reference:
        """Where draws and new chains begin."""
        return self.E.reference

    def updates(self, batch: Batch) -> Iterator[Update]:
        x = batch.x
        if self.iteration == 0:
            self._begin(x)
        if self.smooth:
            x = x + self.smooth * self.reference.scale * noise_like(x)
        start, places = x, None
        if self.replay is not None:
            fresh = self.reference.at(noise_like(x)).flatten(1)
            ends, places = self.replay.begin(fresh, 1 - self.restart)
            start = ends.view_as(x)
        with evaluating(self.E):
            negative = last(self.walk.on(self.E, start, self.reference, OfBatch()))  # (2)
        yield self.E, lambda: self.terms(x, negative)
        if self.replay is not None and places is not None:
            self.replay.put(places, negative.flatten(1))  # (3)

    def _begin(self, x: Tensor) -> None:
        self.reference.fit(x)
        if self.replay is not None:
            ends = self.replay.ends
            fresh = torch.randn(len(ends), *x.shape[1:], device=x.device)
            ends.copy_(self.reference.at(fresh).flatten(1))

    def terms(self, x: Float[Tensor, " n *event"], negative: Float[Tensor, " n *event"]) -> Terms:
        """What is minimised on these samples."""
        up, down = valued(self.E, negative), valued(self.E, x)
        return {
            "contrast": -gap(up, down),
            "magnitude": self.penalty * (up.square() + down.square()).mean(),
        }  # (1), (4)

    def energy(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, " n"]:
        """E(x), in evaluation mode; gradients reach x."""
        with evaluating(self.E):
            return valued(self.E, x)

    def log_prob(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, " n"]:
        """Nats up to a constant."""
        return -self.energy(x)

    @torch.no_grad()
    def sample(self, n: int, *, generator: int | Streams | None = None) -> Float[Tensor, " n *event"]:
        """The ends of chains that begin at the reference, where there are no persistent ones to go on from."""
        return last(self.course(n, generator=generator))

    @torch.no_grad()
    def course(self, n: int, *, generator: int | Streams | None = None) -> Iterator[Float[Tensor, " n *event"]]:
        """All the states of the chains that `sample` gives the ends of."""
        source = streams(generator)
        with evaluating(self.E):
            if self.replay is None:
                yield from self.drawing.states(self.E, n, self.reference, source)
                return
            ends = self.replay.ends
            at = source.split("start").integers(n, len(ends), device=ends.device)
            yield from self.drawing.on(self.E, ends[at].unflatten(1, self.reference.mean.shape), self.reference, source)
