"""A step down the noise levels as a Gaussian: the posterior's mean, and the two variances that bound the true one's.

From level σ to level σ', with x = x₀ + σ ε and β = (σ² − σ'²)/(1 + σ²), the forward step's variance in DDPM's unit:

    q(x' | x, x₀) = N(x₀ + (σ'/σ)² (x − x₀), s²),   s² = σ'² (σ² − σ'²)/σ²                           (1)

    small     log s²                                DDPM's β̃, right for data that is one point
    large     log β (1 + σ'²)                       DDPM's β, right for data that is N(0, I)         (2)
    learned   v log β (1 + σ'²) + (1 − v) log s²    0 ≤ v ≤ 1                                        (3)

Both logs are of the unit of x'. The step to σ' = 0 has s² = 0: as published, log s² of the step before it stands
there, in DDPM's unit; so it does for `large`, whose β would be that of a step without noise.

(1) Jonathan Ho, Ajay Jain, Pieter Abbeel. Denoising Diffusion Probabilistic Models. 2020.
    https://arxiv.org/abs/2006.11239
(2), (3) Alex Nichol, Prafulla Dhariwal. Improved Denoising Diffusion Probabilistic Models. 2021.
    https://arxiv.org/abs/2102.09672
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.diffusion.denoisers import over
from likeness.errors import InputError


class Steps(NamedTuple):
    """Steps from levels `sigma` to lower ones `to`, and log variances between which the true ones lie."""

    sigma: Float[Tensor, " k"]
    to: Float[Tensor, " k"]
    log_small: Float[Tensor, " k"]
    log_large: Float[Tensor, " k"]

    def at(self, i: Tensor | slice) -> "Steps":
        """The steps of these indices; each sample can have one of its own."""
        return Steps(*(value[i] for value in self))


Variance = Callable[[Steps, Tensor, Tensor | None], Tensor]  # steps, x, v to log variances that broadcast to x


def transitions(sigmas: Float[Tensor, " levels"]) -> Steps:
    """The steps of a list of falling levels, from the highest on, in float64; the last level may be zero."""
    sigma, to = sigmas.double()[:-1], sigmas.double()[1:]
    added = sigma.square() - to.square()
    log_small = (to.square() * added / sigma.square()).log()  # (1)
    log_large = (added * (1 + to.square()) / (1 + sigma.square())).log()  # (2)
    if to[-1] == 0:
        before = log_small[-2] - sigma[-1].square().log1p() if len(to) > 1 else log_large[-1]
        log_small = torch.cat((log_small[:-1], before[None]))
    return Steps(sigma, to, log_small, log_large)


def posterior_mean(step: Steps, x0: Float[Tensor, " n *event"], x: Float[Tensor, " n *event"]) -> Tensor:
    """The mean of q(x' | x, x₀)."""
    return x0 + over((step.to / step.sigma).square(), x) * (x - x0)  # (1)


def small(step: Steps, x: Tensor, v: Tensor | None = None) -> Tensor:
    return over(step.log_small, x)


def large(step: Steps, x: Tensor, v: Tensor | None = None) -> Tensor:
    return over(torch.where(step.to > 0, step.log_large, step.log_small), x)


def learned(step: Steps, x: Tensor, v: Tensor | None = None) -> Tensor:
    """Raises InputError for a denoiser that has not learned where its variances lie."""
    if v is None:
        raise InputError("learned variances of a model that has none: draw with small or large, or train with learned")
    return v * over(step.log_large, x) + (1 - v) * over(step.log_small, x)  # (3)


VARIANCES: dict[str, Variance] = {"small": small, "large": large, "learned": learned}
