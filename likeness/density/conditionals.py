"""What an autoregressive model says of one place given the places before it: distributions p(x_i | x_<i) as values.

    log p(x) = Σ_i log p(x_i | x_<i)                                                                (1)

A place is an entry of a vector or a pixel of an image. Its distribution is made of the outputs of a network,
(n, outputs, *places), and drawn from uniform numbers, (n, uniforms, *places), which belong to their sample. Levels of
pixels are in `logistics.py`.

    binary                log P = x log π + (1 − x) log(1 − π)                                      (2)
    mixture of Gaussians  log p = log Σ_k π_k N(x; μ_k, σ_k²)                                       (3)

Mathieu Germain, Karol Gregor, Iain Murray, Hugo Larochelle. MADE: Masked Autoencoder for Distribution Estimation.
2015. https://arxiv.org/abs/1502.03509
(3) Benigno Uria, Iain Murray, Hugo Larochelle. RNADE: The real-valued neural autoregressive density-estimator. 2013.
    https://arxiv.org/abs/1306.0186
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import logsigmoid, softplus

from likeness.density.likelihoods import gaussian
from likeness.errors import InputError

FLOOR = 1e-3  # of σ, in units of the standardised data


@runtime_checkable
class Conditional(Protocol):
    """The distribution of a place.

    Attributes:
        levels: values that x can have, or None where it has a density.
        outputs, uniforms: numbers that a place needs, of the network and to draw it.
    """

    @property
    def levels(self) -> int | None: ...

    @property
    def outputs(self) -> int: ...

    @property
    def uniforms(self) -> int: ...

    def check(self, x: Tensor) -> None:
        """Raises InputError for samples of which this is no distribution."""

    def rounded(self, x: Tensor) -> Tensor:
        """The values of which `log_prob` is the probability."""

    def log_prob(self, x: Tensor, outputs: Tensor) -> Tensor:
        """Nats (n, *places) of values (n, channels, *places)."""

    def drawn(self, outputs: Tensor, u: Tensor) -> Tensor:
        """Values (n, channels, *places)."""


@dataclass(frozen=True)
class Binary:
    """Two values (2), -1 and 1 or others; channels of one place are independent given the places before."""

    channels: int = 1
    low: float = -1.0
    high: float = 1.0
    levels = 2

    @property
    def outputs(self) -> int:
        return self.channels

    @property
    def uniforms(self) -> int:
        return self.channels

    def check(self, x: Tensor) -> None:
        """Raises InputError for any other value."""
        if ((x - self.low).abs().minimum((x - self.high).abs()) > 1e-4).any():
            raise InputError(
                f"values from {float(x.min()):.3g} to {float(x.max()):.3g} are not all {self.low:g} or {self.high:g}, "
                "as binary data are: binarise them, or model their levels"
            )

    def rounded(self, x: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
        return torch.where(x > (self.low + self.high) / 2, self.high, self.low)

    def log_prob(
        self, x: Float[Tensor, "n c *places"], outputs: Float[Tensor, "n c *places"]
    ) -> Float[Tensor, " n *places"]:
        return torch.where(x > (self.low + self.high) / 2, logsigmoid(outputs), logsigmoid(-outputs)).sum(1)  # (2)

    def drawn(
        self, outputs: Float[Tensor, "n c *places"], u: Float[Tensor, "n c *places"]
    ) -> Float[Tensor, "n c *places"]:
        return torch.where(u < outputs.sigmoid(), self.high, self.low)


@dataclass(frozen=True)
class Gaussians:
    """A mixture (3) for numbers of about unit variance, one channel."""

    components: int = 5
    levels = None

    def __post_init__(self) -> None:
        if self.components < 1:
            raise InputError(f"{self.components} components of a mixture: give one or more")

    @property
    def outputs(self) -> int:
        return 3 * self.components

    @property
    def uniforms(self) -> int:
        return 2

    def check(self, x: Tensor) -> None:
        """Any number will do."""

    def rounded(self, x: Tensor) -> Tensor:
        return x

    def log_prob(
        self, x: Float[Tensor, "n 1 *places"], outputs: Float[Tensor, "n q *places"]
    ) -> Float[Tensor, " n *places"]:
        weight, mu, raw = outputs.chunk(3, dim=1)
        each = gaussian(x.expand_as(mu), mu, softplus(raw) + FLOOR)
        return torch.logsumexp(weight.log_softmax(1) + each, dim=1)  # (3)

    def drawn(
        self, outputs: Float[Tensor, "n q *places"], u: Float[Tensor, "n 2 *places"]
    ) -> Float[Tensor, "n 1 *places"]:
        weight, mu, raw = outputs.chunk(3, dim=1)
        k = (u[:, :1] > weight.softmax(1).cumsum(1)[:, :-1]).sum(1, keepdim=True)
        return mu.gather(1, k) + (softplus(raw.gather(1, k)) + FLOOR) * torch.special.ndtri(u[:, 1:])


def log_probs(
    conditional: Conditional, x: Float[Tensor, "n c *places"], outputs: Float[Tensor, "n q *places"]
) -> Float[Tensor, " n"]:
    """Nats of a sample, the sum over its places."""
    return conditional.log_prob(x, outputs).flatten(1).sum(1)  # (1)
