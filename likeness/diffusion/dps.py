"""Diffusion posterior sampling: draws that agree with a measurement y ≈ A(x₀), linear or not, by a gradient through D.

    log p(y|x) ≈ log N(y; A(D(x, σ)), v² + r²(σ))                                                   (1)
    D'(x, σ) = D(x, σ) + s σ² ∇ₓ log p(y|x)                                                         (2)

v is the noise of the measurement. The paper has r = 0: the law of x₀ given x as if it were the point D(x, σ). What is
left unknown there makes the gradient too long, by 1/v² at high levels, so that the authors put a number that they tuned
in its place, for steps of the length that they took. Here the gradient is one like any other, and r², the variance of
x₀ given x, says what is unknown: by default σ²/(1 + σ²), that of a standard normal. Give `spread=None` for the paper's.
Draws follow p(x₀|y) roughly; where A is linear, `pigdm` does better.

Hyungjin Chung, Jeongsol Kim, Michael T. Mccann, Marc L. Klasky, Jong Chul Ye. Diffusion Posterior Sampling for General
Noisy Inverse Problems. 2023. https://arxiv.org/abs/2209.14687
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.diffusion.denoisers import Denoiser, Function
from likeness.diffusion.steering import Posterior, alike, unknown_variance
from likeness.errors import InputError


def dps(
    D: Denoiser,
    A: Callable[[Tensor], Tensor],
    y: Float[Tensor, " n *measured"],
    *,
    noise: float,
    scale: float = 1.0,
    spread: Function | None = unknown_variance,
) -> Denoiser:
    """The denoiser of samples whose measurement is y.

    Args:
        A: samples (n, *event) to what is measured of them, differentiable.
        y: what was measured, a row for each sample or one row for all.
        noise: v, the standard deviation of the measurement's noise.
        spread: the variance r² of x₀ given x at levels σ (n,); None for zero.

    Raises:
        InputError: noise below zero, or nothing that the variance is made of; in use, y of another shape than A(x₀).
    """
    if noise < 0 or (noise == 0 and spread is None):
        raise InputError(f"a measurement with noise {noise:g}: give a standard deviation above zero")

    def log_p(x0: Tensor, sigma: Tensor) -> Tensor:
        seen = A(x0)
        variance = noise**2 + (torch.zeros_like(sigma) if spread is None else spread(sigma))
        return -(alike(y, seen) - seen).square().flatten(1).sum(1) / (2 * variance)  # (1)

    return Posterior(D, log_p, scale)  # (2)
