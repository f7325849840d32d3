"""Contrastive divergence: the energy of data is lowered, that of the model's own samples is raised.

    ∇_θ E_data[−log p(x)] = E_data[∇_θ E(x)] − E_p[∇_θ E(x)]                                          (1)
    x⁻:  k Langevin steps  x ← x − (η/2) ∇E(x) + √η ξ,  begun at data (CD-k)                          (2)
         or at the states where earlier chains ended (persistent), of which a share begins anew       (3)
    minimised:  E_data[E] − E_x⁻[E] + α E[E(x)² + E(x⁻)²]                                             (4)

Chains begun at data show what is wrong near data and never what is far from them; persistent ones wander off and find it.
(4)'s second part holds the energies near zero, which the first leaves open.

Geoffrey E. Hinton. Training Products of Experts by Minimizing Contrastive Divergence. 2002.
https://doi.org/10.1162/089976602760128018
(3) Tijmen Tieleman. Training restricted Boltzmann machines using approximations to the likelihood gradient. 2008.
    https://doi.org/10.1145/1390156.1390290
(4) Yilun Du, Igor Mordatch. Implicit Generation and Generalization in Energy-Based Models. 2019.
    https://arxiv.org/abs/1903.08689
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn

from likeness.chains.state import OfBatch, last
from likeness.core import Method, Terms, Update
from likeness.data.batch import Batch
from likeness.energy.alarms import gap
from likeness.energy.energies import valued
from likeness.energy.reference import Reference
from likeness.energy.walks import Walk
from likeness.errors import InputError
from likeness.nn.modes import evaluating
from likeness.ranks import gather, noise_like, per_sample, whole_batch
from likeness.sampling import Streams, streams


class ContrastiveDivergence(Method):
    """The energy `E` (x → (n,)); `reference` is fitted to the first batch.

    Args:
        reference: where draws and new chains begin.
        buffer: states kept for persistent chains, at least a batch; 0 begins them at data.
        restart: the share of persistent chains that begins anew.
        walk: of the negatives (2).
        drawing: of `sample`.
        penalty: α of (4).
        smooth: standard deviation of noise on data, as a share of theirs, which makes steep energies learnable.

    Raises:
        InputError: a number is out of its range; in training, a batch is larger than the buffer, or steps explode.
    """

    log_prob_kind = "unnormalised"
    states: Tensor

    def __init__(
        self,
        E: nn.Module,
        reference: Reference,
        *,
        buffer: int = 10_000,
        restart: float = 0.05,
        walk: Walk = Walk(steps=20),
        drawing: Walk = Walk(steps=500),
        penalty: float = 0.1,
        smooth: float = 0.0,
    ) -> None:
        super().__init__()
        if buffer < 0 or not 0 <= restart <= 1 or penalty < 0 or smooth < 0:
            raise InputError(
                f"buffer {buffer}, restart {restart:g}, penalty {penalty:g}, smooth {smooth:g}: give numbers of zero or "
                "more, and a share from 0 to 1"
            )
        self.E, self.reference, self.restart = E, reference, restart
        self.walk, self.drawing, self.penalty, self.smooth = walk, drawing, penalty, smooth
        self.register_buffer("states", torch.zeros(buffer, *reference.mean.shape))

    def updates(self, batch: Batch) -> Iterator[Update]:
        x = batch.x
        if self.iteration == 0:
            self.reference.fit(x)
            self.states.copy_(self.reference.at(torch.randn_like(self.states)))
        if self.smooth:
            x = x + self.smooth * self.reference.variance**0.5 * noise_like(x)
        negative = self._from_data(x) if not len(self.states) else self._persistent(x)
        yield self.E, lambda: self.terms(x, negative)

    def terms(self, x: Float[Tensor, " n *event"], negative: Float[Tensor, " n *event"]) -> Terms:
        """What is minimised on these samples."""
        up, down = valued(self.E, negative), valued(self.E, x)
        return {
            "contrast": -gap(up, down),
            "magnitude": self.penalty * (up.square() + down.square()).mean(),
        }  # (1), (4)

    def _from_data(self, x: Tensor) -> Tensor:
        return self._walked(x)

    def _persistent(self, x: Tensor) -> Tensor:
        size, n = len(self.states), len(x)
        if whole_batch(n) > size:
            raise InputError(f"a batch of {whole_batch(n)} for {size} persistent chains: use a larger buffer")
        at = per_sample(n, lambda k: torch.randperm(size, device=x.device)[:k])
        anew = per_sample(n, lambda k: torch.rand(k, device=x.device)) < self.restart
        fresh = self.reference.at(noise_like(x))
        start = torch.where(anew.view(-1, *[1] * (x.ndim - 1)), fresh, self.states[at])
        end = self._walked(start)  # (3)
        self.states[gather(at)] = gather(end)
        return end

    def _walked(self, x: Tensor) -> Tensor:
        with evaluating(self.E):
            return last(self.walk.on(self.E, x, self.reference, OfBatch()))  # (2)

    def log_prob(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, " n"]:
        """Nats up to a constant."""
        with evaluating(self.E):
            return -valued(self.E, x)

    @torch.no_grad()
    def sample(self, n: int, *, generator: int | Streams | None = None) -> Float[Tensor, " n *event"]:
        """The ends of chains that begin at the reference, where there are no persistent ones to go on from."""
        return last(self.course(n, generator=generator))

    @torch.no_grad()
    def course(self, n: int, *, generator: int | Streams | None = None) -> Iterator[Float[Tensor, " n *event"]]:
        """All the states of the chains that `sample` gives the ends of."""
        source = streams(generator)
        with evaluating(self.E):
            if not len(self.states):
                yield from self.drawing.states(self.E, n, self.reference, source)
                return
            at = source.split("start").integers(n, len(self.states), device=self.states.device)
            yield from self.drawing.on(self.E, self.states[at], self.reference, source)
