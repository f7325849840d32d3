"""Noise-contrastive estimation: an energy learns, with its own log Z, to tell data from noise whose density is known.

    G(x) = −E(x) − c − log q(x) − log ν,   c in the place of log Z,   ν draws of noise q for one of data     (1)
    minimised:  E_data[log(1 + e^{−G})] + ν E_q[log(1 + e^{G})]                                              (2)

The best G is the log ratio of data to noise, so that e^{−E−c} is the density of data, normalised without anyone having
integrated it. It takes noise that is not too unlike data: q is a Gaussian fitted to them unless something else is
given.

Michael U. Gutmann, Aapo Hyvärinen. Noise-Contrastive Estimation of Unnormalized Statistical Models, with Applications
to Natural Image Statistics. 2012. https://jmlr.org/papers/v13/gutmann12a.html
"""

import math
from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import softplus

from likeness.chains.state import last
from likeness.core import Method, Terms, Update
from likeness.data.batch import Batch
from likeness.energy.energies import valued
from likeness.energy.partition import Base
from likeness.energy.reference import Reference, Tilted
from likeness.energy.walks import DRAWS, Walk
from likeness.errors import InputError
from likeness.nn.modes import evaluating
from likeness.ranks import per_sample
from likeness.sampling import Streams, streams


class NoiseContrastive(Method):
    """The energy of a network `f` (x → (n,)), tilted from a Gaussian fitted to the first batch, and its constant.

    Args:
        event: the shape of one sample.
        noise: anything with `sample` and `log_prob`, such as a trained flow; that Gaussian if not given.
        nu: draws of noise for one of data.
        drawing: of `sample`.

    Raises:
        InputError: ν is below one.
    """

    log_prob_kind = "unnormalised"  # the constant is learned and not proved

    def __init__(
        self,
        f: nn.Module,
        event: Sequence[int],
        *,
        noise: Base | None = None,
        nu: int = 4,
        drawing: Walk = DRAWS,
    ) -> None:
        super().__init__()
        if nu < 1:
            raise InputError(f"nu {nu}: give one draw of noise or more for each of data")
        self.model = Constant(Tilted(f, Reference(event)))
        self.other, self.nu, self.drawing = noise, nu, drawing

    @property
    def reference(self) -> Reference:
        """Where draws begin."""
        return self.model.E.reference

    @property
    def noise(self) -> Base:
        return self.reference if self.other is None else self.other

    def updates(self, batch: Batch) -> Iterator[Update]:
        n = len(batch.x)
        if self.iteration == 0:
            self.reference.fit(batch.x)
        seed = int(torch.randint(2**62, ()))
        first = int(per_sample(n * self.nu, torch.arange)[0])
        noise = self.noise.sample(n * self.nu, generator=Streams(seed, first))
        yield self.model, lambda: self.terms(batch.x, noise)

    def terms(self, x: Float[Tensor, " n *event"], noise: Float[Tensor, " m *event"]) -> Terms:
        """What is minimised on these samples."""
        loss = softplus(-self.logit(x)).mean() + self.nu * softplus(self.logit(noise)).mean()
        return {"noise_contrast": loss}  # (2)

    def logit(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, " n"]:
        """The logarithm of the odds that x is of data."""
        return self.model(x) - self.noise.log_prob(x) - math.log(self.nu)  # (1)

    def energy(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, " n"]:
        """E(x), in evaluation mode; gradients reach x."""
        with evaluating(self.model):
            return valued(self.model.E, x)

    def log_prob(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, " n"]:
        """Nats, with the learned constant."""
        with evaluating(self.model):
            return self.model(x)

    @torch.no_grad()
    def sample(self, n: int, *, generator: int | Streams | None = None) -> Float[Tensor, " n *event"]:
        """The ends of chains that begin at the reference."""
        return last(self.course(n, generator=generator))

    @torch.no_grad()
    def course(self, n: int, *, generator: int | Streams | None = None) -> Iterator[Float[Tensor, " n *event"]]:
        """All the states of the chains that `sample` gives the ends of."""
        with evaluating(self.model):
            yield from self.drawing.states(self.model.E, n, self.reference, streams(generator))


class Constant(nn.Module):
    """log p of an energy and a learned log Z."""

    def __init__(self, E: Tilted) -> None:
        super().__init__()
        self.E, self.c = E, nn.Parameter(torch.zeros(()))

    def forward(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, " n"]:
        return -valued(self.E, x) - self.c
