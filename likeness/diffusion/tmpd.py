"""Moment-projected guidance: a linear measurement y = A x₀ + v ε with all that Tweedie's formulas say of x₀ given x.

    E[x₀ | x] = D(x, σ),   Cov[x₀ | x] = σ² J,   J = ∂D/∂x                                           (1)
    p(y|x) ≈ N(A D(x, σ), σ² A J Aᵀ + v² I)                                                         (2)
    D'(x, σ) = D(x, σ) + σ² J Aᵀ (σ² A J Aᵀ + v² I)⁻¹ (y − A D(x, σ))                               (3)

Exact for Gaussian data of any covariance, where `pigdm` takes what is unknown as independent. It costs one backward
pass through D for each value that is measured: for a few of them, or for small networks.

Benjamin Boys, Mark Girolami, Jakiw Pidstrigach, Sebastian Reich, Alan Mosca, O. Deniz Akyildiz. Tweedie Moment
Projected Diffusions for Inverse Problems. 2023. https://arxiv.org/abs/2310.06721
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.diffusion.denoisers import Denoiser, Prediction, over, predict
from likeness.diffusion.steering import alike, every
from likeness.errors import InputError


class MomentProjected:
    """D' of (3)."""

    def __init__(self, D: Denoiser, A: Callable[[Tensor], Tensor], y: Tensor, noise: float) -> None:
        self.D, self.A, self.y, self.noise = D, A, y, noise

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        return self.predict(x, sigma).x0

    def predict(self, x: Float[Tensor, " n *event"], sigma: Float[Tensor, " n"]) -> Prediction:
        with torch.inference_mode(False), torch.enable_grad():
            x, sigma = x.detach().clone().requires_grad_(), sigma.detach().clone()
            found = predict(self.D, x, sigma)
            seen = self.A(found.x0)
            flat, m = seen.flatten(1), seen[0].numel()
            each = torch.stack([torch.autograd.grad(flat[:, j].sum(), x, retain_graph=True)[0] for j in range(m)])
        each = over(sigma, x).square() * each  # (1), m n *event
        covariance = torch.stack([self.A(row).flatten(1) for row in each], 1).double()  # n m m
        unit = torch.eye(m, dtype=torch.double, device=x.device)
        covariance = (covariance + covariance.mT) / 2 + self.noise**2 * unit  # (2)
        away = (alike(self.y, seen) - seen).detach().flatten(1).double()
        known = torch.linalg.lstsq(covariance, away[..., None]).solution[..., 0].to(x.dtype)
        told = every(Tensor.detach, found)
        return told._replace(x0=told.x0 + torch.einsum("nm,mn...->n...", known, each))  # (3)


def tmpd(
    D: Denoiser, A: Callable[[Tensor], Tensor], y: Float[Tensor, " k *measured"], *, noise: float = 0.0
) -> Denoiser:
    """The denoiser of samples whose measurement is y.

    Args:
        A: samples (n, *event) to what is measured of them, linear, few numbers.
        y: what was measured, a row for each sample or one row for all.
        noise: v, the standard deviation of the measurement's noise.

    Raises:
        InputError: noise below zero; in use, y of another shape than A x₀.
    """
    if noise < 0:
        raise InputError(f"a measurement with noise {noise:g}: give a standard deviation of zero or more")
    return MomentProjected(D, A, y, noise)
