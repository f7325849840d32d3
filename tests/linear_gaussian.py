"""Probabilistic PCA: a linear VAE whose evidence is known, and the parameters at which its bound is tight.

Michael E. Tipping, Christopher M. Bishop. 1999. https://doi.org/10.1111/1467-9868.00196
"""

import torch
from torch import Tensor, nn
from torch.distributions import MultivariateNormal

from likeness.density.likelihoods import Gaussian
from likeness.density.vae import VAE


def data(n: int = 400) -> Tensor:
    """Rows whose covariance has eigenvalues near 4, 1, 0.25 and below."""
    axes = torch.linalg.qr(torch.randn(5, 5)).Q
    return torch.randn(n, 5) * torch.tensor([2.0, 1.0, 0.5, 0.3, 0.2]) @ axes.T + torch.arange(5.0)


def spectrum(x: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues of the covariance, largest first, and their directions as columns."""
    values, vectors = torch.linalg.eigh(torch.cov(x.T, correction=0))
    return values.flip(0), vectors.flip(1)


def linear_vae(d_z: int, sigma: float, d: int = 5) -> VAE:
    return VAE(nn.Linear(d, 2 * d_z), nn.Linear(d_z, d), Gaussian(sigma), d_z=d_z)


@torch.no_grad()
def at_optimum(x: Tensor, d_z: int, sigma: float) -> VAE:
    """W = U (Λ − σ²)^½, and the exact posterior, whose covariance is diagonal in this basis."""
    values, vectors = spectrum(x)
    vae, excess = linear_vae(d_z, sigma, x.shape[1]), (values[:d_z] - sigma**2).clamp_min(0)
    W = vectors[:, :d_z] * excess.sqrt()
    precision = excess + sigma**2  # of W'W + σ²
    vae.D.weight.copy_(W)
    vae.D.bias.copy_(x.mean(0))
    vae.E.weight.copy_(torch.cat((W.T / precision[:, None], torch.zeros(d_z, x.shape[1]))))
    vae.E.bias.copy_(torch.cat((-(W.T @ x.mean(0)) / precision, (sigma**2 / precision).log())))
    return vae


@torch.no_grad()
def evidence(vae: VAE, x: Tensor) -> Tensor:
    """log p(x), exactly."""
    W, sigma = vae.D.weight, vae.likelihood.sigma
    return MultivariateNormal(vae.D.bias, W @ W.T + sigma**2 * torch.eye(len(W))).log_prob(x)
