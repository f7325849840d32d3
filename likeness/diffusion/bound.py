"""The variational bound of a diffusion model, term by term: what its draw, step by step, costs in nats or bits.

A draw goes from level σ_K down to σ_0 = 0, each step a Gaussian p(x' | x) with a mean by D and a variance of
`transitions`:

    −log p(x₀) ≤ Σ_k E L_k + L_prior                                                                (1)
    L_k     = KL(q(x' | x, x₀) ‖ p(x' | x))            for σ' > 0                                   (2)
    L_1     = −log p(x₀ | x)                           of the step to zero                          (3)
    L_prior = KL(N(x₀, σ_K²) ‖ N(0, σ_K²)) = ‖x₀‖²/2σ_K²                                            (4)

For pixels of so many levels (3) is of a whole bin, Φ((x₀ + h/2 − μ)/s) − Φ((x₀ − h/2 − μ)/s), the outermost bins open,
and (1) bounds a probability; else it is of a density. The levels are any that fall to zero: all of a schedule's, or
those of a short draw, which then is the model that is bounded.

Jonathan Ho, Ajay Jain, Pieter Abbeel. Denoising Diffusion Probabilistic Models. 2020. https://arxiv.org/abs/2006.11239
Alex Nichol, Prafulla Dhariwal. Improved Denoising Diffusion Probabilistic Models. 2021.
https://arxiv.org/abs/2102.09672
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.diffusion.denoisers import Denoiser, Prediction, over, predict
from likeness.diffusion.transitions import Steps, Variance, small, transitions
from likeness.errors import InputError
from likeness.sampling import Streams, streams


class Bound(NamedTuple):
    """Nats of samples: those of each step, from the highest level down, and those of the prior."""

    steps: Float[Tensor, " n k"]
    prior: Float[Tensor, " n"]

    @property
    def nats(self) -> Float[Tensor, " n"]:
        return self.steps.sum(1) + self.prior  # (1)

    def bits_per_dim(self, dimensions: int) -> Float[Tensor, " n"]:
        """Of values that have levels."""
        return self.nats / (dimensions * math.log(2))


@torch.no_grad()
def bound(
    D: Denoiser,
    x0: Float[Tensor, " n *event"],
    sigmas: Float[Tensor, " levels"],
    variance: Variance = small,
    *,
    levels: int | None = None,
    generator: int | Streams | None = 0,
) -> Bound:
    """One draw of the noise at each level for each sample.

    Args:
        sigmas: falling levels, the last of them zero.
        levels: values that a pixel in [-1, 1] can have; None for densities.

    Raises:
        InputError: the levels do not end in zero, or there are fewer than two values.
    """
    if sigmas[-1] != 0:
        raise InputError(f"levels down to {float(sigmas[-1]):g}: the bound is of draws that end at zero noise")
    source, steps, found = streams(generator), transitions(sigmas), []
    for k in range(len(steps.sigma)):
        step = Steps(*(part.expand(len(x0)) for part in steps.at(slice(k, k + 1))))
        x = x0 + over(step.sigma, x0) * source.normal(*x0.shape, device=x0.device).to(x0)
        said = predict(D, x, step.sigma.to(x0))
        cost = divergence(step, said, x0, variance) if step.to[0] > 0 else decoded(step, said, x0, variance, levels)
        found.append(cost.double())
    prior = over(1 / (2 * steps.sigma[:1].square()), x0) * x0.square()  # (4)
    return Bound(torch.stack(found, 1), prior.flatten(1).sum(1).double())


def term(
    step: Steps, said: Prediction, x0: Float[Tensor, " n *event"], variance: Variance, levels: int | None = None
) -> Float[Tensor, " n"]:
    """The term of each sample's own step, in nats: one of the two below."""
    last = (step.to == 0).to(x0.device)
    return torch.where(last, decoded(step, said, x0, variance, levels), divergence(step, said, x0, variance))


def divergence(
    step: Steps, said: Prediction, x0: Float[Tensor, " n *event"], variance: Variance
) -> Float[Tensor, " n"]:
    """KL(q(x' | x, x₀) ‖ p(x' | x)) in nats."""
    log_q, log_p = over(step.log_small, x0), variance(step, x0, said.v)
    apart = over(1 - (step.to / step.sigma).square(), x0) * (x0 - said.x0)  # the difference of the means
    kl = (log_p - log_q + (log_q - log_p).exp() - 1 + apart.square() * (-log_p).exp()) / 2  # (2)
    return kl.expand(x0.shape).flatten(1).sum(1)


def decoded(
    step: Steps, said: Prediction, x0: Float[Tensor, " n *event"], variance: Variance, levels: int | None = None
) -> Float[Tensor, " n"]:
    """−log p(x₀ | x) in nats, of a step to zero noise; of a density without levels."""
    log_variance = variance(step, x0, said.v).expand(x0.shape)
    if levels is not None:
        return -discretised(x0, said.x0, log_variance, levels).flatten(1).sum(1)  # (3)
    square = (x0 - said.x0).square() * (-log_variance).exp()
    return (square + log_variance + math.log(2 * math.pi)).flatten(1).sum(1) / 2  # (3)


def discretised(
    x: Float[Tensor, "*any"], mean: Float[Tensor, "*any"], log_variance: Float[Tensor, "*any"], levels: int
) -> Float[Tensor, "*any"]:
    """The log-probability of the bins of a Gaussian in which values in [-1, 1] lie, precise however far from its mean.

    Raises:
        InputError: there are fewer than two levels.
    """
    if levels < 2:
        raise InputError(f"levels {levels}: a pixel has two values or more")
    half, scale = 1 / (levels - 1), (-log_variance / 2).exp()
    low, high = (x - half - mean) * scale, (x + half - mean) * scale
    above = low > -high  # Φ(b) − Φ(a) = Φ(−a) − Φ(−b): the smaller numbers, which do not round to one
    a, b = torch.where(above, -high, low), torch.where(above, -low, high)
    log_a, log_b = torch.special.log_ndtr(a), torch.special.log_ndtr(b)
    inside = log_b + (-torch.expm1((log_a - log_b).clamp(max=-1e-7))).log()
    first = torch.where(x < -1 + half, torch.special.log_ndtr(high), inside)
    return torch.where(x > 1 - half, torch.special.log_ndtr(-low), first)
