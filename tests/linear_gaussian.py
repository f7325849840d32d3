"""Probabilistic PCA: linear VAEs whose evidence is known, and parameters at which their bound is tight. Two levels:

    z_2 ~ N(0, I),  z_1 ~ N(A z_2, T),  x ~ N(W z_1 + b, σ²)

with A and T diagonal and the columns of W orthogonal, so that the posteriors have diagonal covariances.

Michael E. Tipping, Christopher M. Bishop. 1999. https://doi.org/10.1111/1467-9868.00196
"""

import torch
from torch import Tensor, nn
from torch.distributions import MultivariateNormal

from likeness.density.ladder import Ladder
from likeness.density.likelihoods import Gaussian
from likeness.density.vae import VAE
from likeness.nn.topdown import BottomUp, Level, TopDown


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


def linear_ladder(sigma: float, d: int = 5) -> Ladder:
    """Two levels of two latents, of linear maps alone; the state below the top is z_1 itself."""
    merge = nn.Linear(4, 2, bias=False)
    merge.weight.data.copy_(torch.cat((-torch.eye(2), torch.eye(2)), 1))
    level = Level(nn.Linear(2, 4), nn.Linear(2 + d, 4), merge.requires_grad_(False), (2,))
    E, D = BottomUp([nn.Identity()], nn.Linear(d, 4)), TopDown(nn.Identity(), [level], nn.Linear(2, d))
    return Ladder(E, D, Gaussian(sigma), sizes=(2, 2))


@torch.no_grad()
def ladder_at_optimum(x: Tensor, sigma: float, share: float = 0.6) -> Ladder:
    """The evidence of probabilistic PCA, with so much of the variance of z_1 from the level above, and the posteriors.

    z_1 given x and z_2 has precision 1/T + w²/σ²; z_2 given x sees the noise of z_1 as that of x.
    """
    values, vectors = spectrum(x)
    W, A, T = vectors[:, :2] * (values[:2] - sigma**2).sqrt(), share**0.5, torch.full((2,), 1 - share)
    made, b, w2 = linear_ladder(sigma, x.shape[1]), x.mean(0), values[:2] - sigma**2
    level = made.D.levels[0]
    made.D.finish.weight.copy_(W)
    made.D.finish.bias.copy_(b)
    _affine(level.prior, A * torch.eye(2), torch.zeros(2), T.log())
    S1 = 1 / (1 / T + w2 / sigma**2)
    gain = S1[:, None] * W.T / sigma**2
    _affine(level.posterior, torch.cat(((S1 / T - 1).diag() * A, gain), 1), -gain @ b, (S1 / T).log())
    noise = w2 * T + sigma**2  # of x along the columns of W, given z_2
    S2 = 1 / (1 + w2 * A**2 / noise)
    up = S2[:, None] * A * W.T / noise[:, None]
    _affine(made.E.top, up, -up @ b, S2.log())
    return made


def _affine(layer: nn.Linear, weight: Tensor, bias: Tensor, log_variance: Tensor) -> None:
    """Means by this map, and log-variances that do not depend on the input."""
    layer.weight.copy_(torch.cat((weight, torch.zeros_like(weight))))
    layer.bias.copy_(torch.cat((bias, log_variance)))


@torch.no_grad()
def ladder_evidence(made: Ladder, x: Tensor) -> Tensor:
    """log p(x), exactly."""
    W, b, sigma = made.D.finish.weight, made.D.finish.bias, made.likelihood.sigma
    prior = made.D.levels[0].prior
    A, T = prior.weight[:2], prior.bias[2:].exp().diag()
    covariance = W @ (A @ A.T + T) @ W.T + sigma**2 * torch.eye(len(W))
    return MultivariateNormal(b + W @ prior.bias[:2], covariance).log_prob(x)
