"""A correlated Gaussian, one of whose values is measured: the posterior in closed form."""

import torch

from likeness.data.truth import Mixture
from likeness.diffusion.oracle import Exact

MEAN, L = torch.tensor([0.5, -0.5, 1.0]), torch.tensor([[1.0, 0.0, 0.0], [0.8, 0.6, 0.0], [0.3, 0.5, 0.8]])
S = L @ L.T
MASK, SEEN = torch.tensor([True, False, False]), 2.0
D = Exact(Mixture(MEAN[None], L[None]))


def posterior(noise: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and covariance of x₀ given x₀[0] + noise = 2."""
    K = S[:, 0] / (S[0, 0] + noise**2)
    return MEAN + K * (SEEN - MEAN[0]), S - torch.outer(K, S[0])


def off(x: torch.Tensor, noise: float) -> tuple[float, float]:
    """By how much the moments of draws are off, at most."""
    mean, covariance = posterior(noise)
    return float((x.mean(0) - mean).abs().max()), float((torch.cov(x.T) - covariance).abs().max())
