"""What a decoder says of a sample: distributions p(x|z) as values, whose parameters are the outputs of a network.

Every dimension of x is independent given z, and log p(x|z) is the sum over them, in nats. A likelihood with k
`outputs` needs a network that returns (n, k·c, …) for samples (n, c, …); the first c are what `mean` is made of.

    Bernoulli             log p = x log π + (1 − x) log(1 − π)                                      (1)
    Gaussian              log p = −(x − μ)² / 2σ² − log σ − ½ log 2π                                (2)
    discretised logistic  p = S((x + h/2 − μ)/s) − S((x − h/2 − μ)/s),   S(t) = 1/(1 + e⁻ᵗ)         (3)
    categories            log p = Σ_c x_c log softmax(outputs)_c                                    (4)

In (3) h is the step between two levels, and the lowest and highest level take all that lies beyond them. A learned σ
has a floor: a pixel that never changes would let the density grow without bound as σ → 0.

Diederik P. Kingma, Max Welling. Auto-Encoding Variational Bayes. 2013. https://arxiv.org/abs/1312.6114
Tim Salimans et al. PixelCNN++, section 2.1. 2017. https://arxiv.org/abs/1701.05517
"""

import math
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid, softplus

from likeness.errors import InputError
from likeness.ranks import per_sample
from likeness.sampling import Streams


@runtime_checkable
class Likelihood(Protocol):
    """A distribution of samples given a network's outputs; learned parameters of its own move with the decoder's.

    Attributes:
        outputs: how many outputs a dimension of x needs.
    """

    outputs: int

    def check(self, x: Tensor) -> None:
        """Raises InputError for samples of which this is no likelihood."""

    def log_prob(self, x: Tensor, outputs: Tensor) -> Tensor:
        """(n,), in nats, summed over dimensions."""

    def mean(self, outputs: Tensor) -> Tensor:
        """(n, *event), differentiable."""

    def sample(self, outputs: Tensor, streams: Streams) -> Tensor:
        """(n, *event)"""


@runtime_checkable
class Located(Likelihood, Protocol):
    """A likelihood whose samples are a differentiable function of the outputs and of standard normal noise."""

    def at(self, outputs: Tensor, noise: Tensor) -> Tensor:
        """(n, *event)"""


def placed(likelihood: Likelihood, outputs: Tensor, noise: Tensor | None) -> Tensor:
    """The sample for this noise, or the mean where there is none; gradients reach outputs and noise.

    Raises:
        InputError: samples of the likelihood are no differentiable function of noise, such as rounded ones.
    """
    if noise is None:
        return likelihood.mean(outputs)
    if not isinstance(likelihood, Located):
        name = type(likelihood).__name__
        raise InputError(f"samples of {name} are no smooth function of normal noise: use a gaussian likelihood")
    return likelihood.at(outputs, noise)


def binarised(x: Float[Tensor, " n *event"]) -> Float[Tensor, " n *event"]:
    """Images in [-1, 1] as pixels of -1 or 1, drawn anew at each call with the grey value as probability."""
    u = per_sample(len(x), lambda n: torch.rand(n, *x.shape[1:], device=x.device))
    return torch.where(u < (x + 1) / 2, 1.0, -1.0)


class Bernoulli(nn.Module):
    """Binary dimensions (1); images in [-1, 1] are of pixels -1 and 1, vectors of 0 and 1 by `low=0`."""

    outputs = 1

    def __init__(self, low: float = -1.0, high: float = 1.0) -> None:
        super().__init__()
        self.low, self.high = low, high

    def check(self, x: Float[Tensor, " n *event"]) -> None:
        """Raises InputError where x leaves [low, high], or more than a tenth of it lies between the two values."""
        share = (x - self.low) / (self.high - self.low)
        if share.min() < 0 or share.max() > 1:
            raise InputError(
                f"values from {float(x.min()):.3g} to {float(x.max()):.3g} under a Bernoulli likelihood of "
                f"{self.low:g} and {self.high:g}: rescale them, or use a gaussian likelihood"
            )
        between = float(((share > 0.05) & (share < 0.95)).float().mean())
        if between > 0.1:
            raise InputError(
                f"{between:.0%} of the values are neither {self.low:g} nor {self.high:g}, which a Bernoulli likelihood "
                "calls impossible: binarise them, or use a gaussian or discretised-logistic likelihood"
            )

    def log_prob(self, x: Float[Tensor, " n *event"], outputs: Float[Tensor, " n *event"]) -> Float[Tensor, " n"]:
        share = (x - self.low) / (self.high - self.low)
        return -_summed(binary_cross_entropy_with_logits(outputs, share, reduction="none"))  # (1)

    def mean(self, outputs: Float[Tensor, " n *event"]) -> Float[Tensor, " n *event"]:
        return self.low + (self.high - self.low) * outputs.sigmoid()

    def sample(self, outputs: Float[Tensor, " n *event"], streams: Streams) -> Float[Tensor, " n *event"]:
        u = streams.uniform(len(outputs), *outputs.shape[1:], device=outputs.device)
        return torch.where(u < outputs.sigmoid(), self.high, self.low)


class Gaussian(nn.Module):
    """One σ for all dimensions (2), in the units of x: the σ = 0.1 of pixels in [0, 1] is 0.2 for images in [-1, 1].

    Args:
        sigma: the standard deviation, or where it starts.
        learn: whether it is learned; its optimum is the root of the mean squared error (`conversion.py`).
        floor: a learned σ stays above it.

    Raises:
        InputError: σ is not above zero, or not above the floor where it is learned.
    """

    outputs = 1
    fixed: Tensor

    def __init__(self, sigma: float = 1.0, *, learn: bool = False, floor: float = 1e-3) -> None:
        super().__init__()
        _check_sigma(sigma, floor if learn else 0.0)
        self.floor = floor
        self.register_buffer("fixed", None if learn else torch.tensor(float(sigma)))
        self.raw = nn.Parameter(torch.tensor(_inverse_softplus(sigma - floor))) if learn else None

    @property
    def sigma(self) -> Float[Tensor, ""]:
        return self.fixed if self.raw is None else self.floor + softplus(self.raw)

    def check(self, x: Float[Tensor, " n *event"]) -> None:
        """Any number will do."""

    def log_prob(self, x: Float[Tensor, " n *event"], outputs: Float[Tensor, " n *event"]) -> Float[Tensor, " n"]:
        return _summed(gaussian(x, outputs, self.sigma))

    def mean(self, outputs: Float[Tensor, " n *event"]) -> Float[Tensor, " n *event"]:
        return outputs

    def at(self, outputs: Float[Tensor, " n *event"], noise: Float[Tensor, " n *event"]) -> Float[Tensor, " n *event"]:
        return outputs + self.sigma * noise

    def sample(self, outputs: Float[Tensor, " n *event"], streams: Streams) -> Float[Tensor, " n *event"]:
        return self.at(outputs, streams.normal(len(outputs), *outputs.shape[1:], device=outputs.device))


class GaussianMap(nn.Module):
    """A σ of its own for every dimension of every sample (2): a map of what the decoder is uncertain of.

    Raises:
        InputError: the floor is not above zero.
    """

    outputs = 2

    def __init__(self, floor: float = 0.01) -> None:
        super().__init__()
        if floor <= 0:
            raise InputError(f"floor {floor} of a learned σ: without one above zero the density has no bound; try 0.01")
        self.floor = floor

    def check(self, x: Float[Tensor, " n *event"]) -> None:
        """Any number will do."""

    def sigma(self, outputs: Float[Tensor, " n *outs"]) -> Float[Tensor, " n *event"]:
        """The uncertainty map, in the units of x."""
        return self.floor + softplus(outputs.chunk(2, dim=1)[1])

    def log_prob(self, x: Float[Tensor, " n *event"], outputs: Float[Tensor, " n *outs"]) -> Float[Tensor, " n"]:
        return _summed(gaussian(x, self.mean(outputs), self.sigma(outputs)))

    def mean(self, outputs: Float[Tensor, " n *outs"]) -> Float[Tensor, " n *event"]:
        return outputs.chunk(2, dim=1)[0]

    def at(self, outputs: Float[Tensor, " n *outs"], noise: Float[Tensor, " n *event"]) -> Float[Tensor, " n *event"]:
        return self.mean(outputs) + self.sigma(outputs) * noise

    def sample(self, outputs: Float[Tensor, " n *outs"], streams: Streams) -> Float[Tensor, " n *event"]:
        mu = self.mean(outputs)
        return self.at(outputs, streams.normal(len(mu), *mu.shape[1:], device=mu.device))


class DiscretisedLogistic(nn.Module):
    """Levels at equal steps from `low` to `high` (3), of which 8-bit pixels have 256: a probability, not a density.

    Raises:
        InputError: there are fewer than two levels.
    """

    outputs = 2

    def __init__(self, levels: int = 256, low: float = -1.0, high: float = 1.0) -> None:
        super().__init__()
        if levels < 2:
            raise InputError(f"levels {levels}: a pixel has two levels or more, 256 of 8 bits")
        self.low, self.high, self.step = low, high, (high - low) / (levels - 1)

    def check(self, x: Float[Tensor, " n *event"]) -> None:
        """Raises InputError where x leaves [low, high]."""
        if x.min() < self.low - self.step / 2 or x.max() > self.high + self.step / 2:
            raise InputError(
                f"values from {float(x.min()):.3g} to {float(x.max()):.3g} under a discretised logistic likelihood "
                f"of levels in [{self.low:g}, {self.high:g}]: rescale them, or use a gaussian likelihood"
            )

    def log_prob(self, x: Float[Tensor, " n *event"], outputs: Float[Tensor, " n *outs"]) -> Float[Tensor, " n"]:
        mu, s = self._location(outputs)
        return _summed(logistic_mass(x, mu, s, self.step, low=self.low, high=self.high))

    def mean(self, outputs: Float[Tensor, " n *outs"]) -> Float[Tensor, " n *event"]:
        """Of the logistic before it is rounded, within [low, high]; half a step at most from the mean of levels."""
        mu, s = self._location(outputs)
        return self.low + s * (softplus((mu - self.low) / s) - softplus((mu - self.high) / s))

    def sample(self, outputs: Float[Tensor, " n *outs"], streams: Streams) -> Float[Tensor, " n *event"]:
        mu, s = self._location(outputs)
        x = mu + s * streams.uniform(len(mu), *mu.shape[1:], device=mu.device).logit()
        place = ((x - self.low) / self.step).round()
        return (self.low + place * self.step).clamp(self.low, self.high)

    def _location(self, outputs: Tensor) -> tuple[Tensor, Tensor]:
        mu, raw = outputs.chunk(2, dim=1)
        return mu, logistic_scale(raw, self.step)


def gaussian(
    x: Float[Tensor, " n *event"], mu: Float[Tensor, " n *event"], sigma: Float[Tensor, "*any"]
) -> Float[Tensor, " n *event"]:
    """log N(x; μ, σ²) of every dimension; σ has the shape of x or one that broadcasts to it."""
    return -((x - mu) / sigma).square() / 2 - torch.log(sigma) - math.log(2 * math.pi) / 2  # (2)


def logistic_mass(
    x: Float[Tensor, "*x"],
    mu: Float[Tensor, "*mu"],
    s: Float[Tensor, "*mu"],
    step: float,
    *,
    low: float = -1.0,
    high: float = 1.0,
) -> Float[Tensor, "*mu"]:
    """The log-probability of levels x under rounded logistics, whose shape x has or broadcasts to."""
    upper, lower = (x + step / 2 - mu) / s, (x - step / 2 - mu) / s
    # log(S(a) − S(b)) = log S(a) + log S(−b) + log(1 − e^(b − a)), whose terms keep their digits in the tails
    inside = logsigmoid(upper) + logsigmoid(-lower) + torch.log(-torch.expm1(-step / s))
    below, above = x < low + step / 2, x > high - step / 2
    ends = torch.where(below, logsigmoid(upper), logsigmoid(-lower))
    return torch.where(below | above, ends, inside)  # (3)


def logistic_scale(raw: Float[Tensor, "*any"], step: float) -> Float[Tensor, "*any"]:
    """s from a number without limits."""
    return softplus(raw) + 0.05 * step  # narrower than that, every level but one is impossible anyway


def categories(x: Float[Tensor, "n k"], outputs: Float[Tensor, "n k"]) -> Float[Tensor, " n"]:
    """The log-probability of one-hot rows; a row of zeros (a value that was never seen) says nothing: 0."""
    return (x * outputs.log_softmax(1)).sum(1)  # (4)


def _summed(x: Tensor) -> Tensor:
    return x.flatten(1).sum(1)


def _check_sigma(sigma: float, floor: float) -> None:
    if sigma <= floor:
        need = f"above its floor {floor:g}" if floor else "above zero, in the units of the data"
        raise InputError(f"sigma {sigma:g}: a standard deviation is {need}, such as {max(0.1, 10 * floor):g}")


def _inverse_softplus(x: float) -> float:
    return x + math.log(-math.expm1(-x))
