"""The discretised mixture of logistics: what a network says of a pixel whose values are levels at equal steps.

    P(x) = Σ_k π_k Π_c [S((x_c + h/2 − μ_kc)/s_kc) − S((x_c − h/2 − μ_kc)/s_kc)],   S(t) = 1/(1 + e⁻ᵗ)        (1)
    μ_kc = m_kc + Σ_{b<c} t_kcb x_b                                                                           (2)

h = 2/(levels − 1) is the step between two levels of [-1, 1], the ends of which take all that lies beyond them. The
channels c of a pixel share the component k, and by (2) its means follow the channels before. A place that needs
K components of C channels takes K (1 + 2 C + C (C − 1)/2) outputs of the network.

Tim Salimans, Andrej Karpathy, Xi Chen, Diederik P. Kingma. PixelCNN++: Improving the PixelCNN with Discretized
Logistic Mixture Likelihood and Other Modifications. 2017. https://arxiv.org/abs/1701.05517
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.bits import of_levels
from likeness.density.likelihoods import logistic_mass, logistic_scale
from likeness.errors import InputError


class Components(NamedTuple):
    """log π (n, K, *places); m and s (n, K, C, *places); t (n, K, C (C − 1)/2, *places), row by row."""

    log_weight: Tensor
    mean: Tensor
    scale: Tensor
    tie: Tensor

    @classmethod
    def of(cls, outputs: Float[Tensor, "n q *places"], channels: int, step: float) -> "Components":
        """A network's outputs."""
        ties = channels * (channels - 1) // 2
        parts = outputs.unflatten(1, (-1, 1 + 2 * channels + ties))
        weight, mean, raw, tie = parts.split((1, channels, channels, ties), dim=2)
        return cls(weight[:, :, 0].log_softmax(1), mean, logistic_scale(raw, step), tie.tanh())

    def mean_of(self, c: int, x: Float[Tensor, "n d *places"]) -> Float[Tensor, "n K *places"]:
        """μ of channel c, given the channels before it."""
        mu, first = self.mean[:, :, c], c * (c - 1) // 2
        for b in range(c):
            mu = mu + self.tie[:, :, first + b] * x[:, None, b]  # (2)
        return mu


def mixture_log_prob(
    x: Float[Tensor, "n c *places"], outputs: Float[Tensor, "n q *places"], step: float
) -> Float[Tensor, " n *places"]:
    """The log-probability of the levels at every place, all channels together."""
    k = Components.of(outputs, x.shape[1], step)
    total = k.log_weight
    for c in range(x.shape[1]):
        total = total + logistic_mass(x[:, None, c], k.mean_of(c, x), k.scale[:, :, c], step)
    return torch.logsumexp(total, dim=1)  # (1)


def mixture_draw(
    outputs: Float[Tensor, "n q *places"], u: Float[Tensor, "n d *places"], step: float
) -> Float[Tensor, "n c *places"]:
    """Levels from uniform numbers: the first of each place chooses the component, the others make the channels."""
    channels = u.shape[1] - 1
    every = Components.of(outputs, channels, step)
    passed = u[:, :1] > every.log_weight.exp().cumsum(1)[:, :-1]
    chosen = passed.sum(1, keepdim=True)
    k = Components(*(_picked(part, chosen) for part in every))
    x: list[Tensor] = []
    for c in range(channels):
        before = torch.stack(x, 1) if x else u[:, :0]
        value = k.mean_of(c, before)[:, 0] + k.scale[:, 0, c] * u[:, 1 + c].logit()
        x.append(nearest_level(value, step))
    return torch.stack(x, 1)


def nearest_level(x: Float[Tensor, "*any"], step: float) -> Float[Tensor, "*any"]:
    """The level of [-1, 1] that is nearest to each value."""
    return (((x + 1) / step).round() * step - 1).clamp(-1, 1)


def check_levels(x: Float[Tensor, "*any"], levels: int) -> None:
    """Raises InputError for values that are not of so many levels from -1 to 1."""
    if not of_levels(x, levels):
        raise InputError(
            f"values from {float(x.min()):.3g} to {float(x.max()):.3g} are not of {levels} levels from -1 to 1: "
            "give the levels that the data have"
        )


@dataclass(frozen=True)
class Logistics:
    """A conditional (see `conditionals.py`) of levels in [-1, 1], of which 8-bit pixels have 256.

    Raises:
        InputError: fewer than two levels, or no component.
    """

    channels: int = 1
    levels: int = 256
    components: int = 5

    def __post_init__(self) -> None:
        if self.levels < 2 or self.components < 1:
            raise InputError(
                f"{self.levels} levels and {self.components} components of a mixture: give two or more, one or more"
            )

    @property
    def step(self) -> float:
        return 2 / (self.levels - 1)

    @property
    def outputs(self) -> int:
        return self.components * (1 + 2 * self.channels + self.channels * (self.channels - 1) // 2)

    @property
    def uniforms(self) -> int:
        return 1 + self.channels

    def check(self, x: Tensor) -> None:
        """Raises InputError for values that are no levels."""
        check_levels(x, self.levels)

    def rounded(self, x: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
        return nearest_level(x, self.step)

    def log_prob(
        self, x: Float[Tensor, "n c *places"], outputs: Float[Tensor, "n q *places"]
    ) -> Float[Tensor, " n *places"]:
        return mixture_log_prob(x, outputs, self.step)

    def drawn(
        self, outputs: Float[Tensor, "n q *places"], u: Float[Tensor, "n d *places"]
    ) -> Float[Tensor, "n c *places"]:
        return mixture_draw(outputs, u, self.step)


def _picked(part: Tensor, chosen: Tensor) -> Tensor:
    """The chosen component of a part (n, K, …), K = 1 being kept."""
    index = chosen if part.ndim == chosen.ndim else chosen[:, :, None]
    return part.gather(1, index.expand(-1, -1, *part.shape[2:]))
