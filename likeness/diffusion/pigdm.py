"""Pseudo-inverse guidance: draws that agree with a linear measurement y = A x₀ + v ε, its inverse taken exactly.

    p(x₀|x) ≈ N(D(x, σ), r² I),   r² = σ²/(1 + σ²)                                                  (1)
    p(y|x)  ≈ N(A D(x, σ), r² A Aᵀ + v² I)                                                          (2)
    ∇ₓ log p(y|x) = Jᵀ Aᵀ (r² A Aᵀ + v² I)⁻¹ (y − A D(x, σ)),   J = ∂D/∂x                           (3)
    D'(x, σ) = D(x, σ) + σ² ∇ₓ log p(y|x)                                                           (4)

Exact where data are Gaussian with one variance in all directions, for which r² = σ²/(1 + σ²) if that is one. What a
measurement says of correlated values reaches them through J, nearly right: (1) takes what is unknown of them as
independent.

Jiaming Song, Arash Vahdat, Morteza Mardani, Jan Kautz. Pseudoinverse-Guided Diffusion Models for Inverse Problems.
2023. https://openreview.net/forum?id=9_gsMA8MRKQ
"""

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.diffusion.denoisers import Denoiser, Function
from likeness.diffusion.measurements import Measurement
from likeness.diffusion.steering import Posterior, alike, unknown_variance
from likeness.errors import InputError


def pigdm(
    D: Denoiser,
    measurement: Measurement,
    y: Float[Tensor, " n *measured"],
    *,
    noise: float = 0.0,
    spread: Function = unknown_variance,
) -> Denoiser:
    """The denoiser of samples whose measurement is y.

    Args:
        y: what was measured, a row for each sample or one row for all.
        noise: v, the standard deviation of the measurement's noise.
        spread: r² of (1), a function of levels σ (n,).

    Raises:
        InputError: noise below zero; in use, y of another shape than A x₀.
    """
    if noise < 0:
        raise InputError(f"a measurement with noise {noise:g}: give a standard deviation of zero or more")

    def along(x0: Tensor, sigma: Tensor) -> Tensor:
        """What has the gradient of log p(y|x), with (r² A Aᵀ + v² I)⁻¹ (y − A x̂₀) as constants."""
        seen, r2 = measurement.A(x0), spread(sigma)  # (1)
        with torch.no_grad():
            known = measurement.solve(alike(y, seen) - seen, r2, torch.full_like(sigma, noise**2))  # (2)
        return (known * seen).flatten(1).sum(1)  # (3)

    return Posterior(D, along, 1.0)  # (4)
