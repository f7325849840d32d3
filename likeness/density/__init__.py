"""Densities that can be written down, or bounded: p(x) in nats, one paper a file."""

from likeness.density.conversion import Loss, converted, effective_sigma, explained, kl_weight
from likeness.density.latents import Posterior, cyclic, linear
from likeness.density.likelihoods import Bernoulli, DiscretisedLogistic, Gaussian, GaussianMap, binarised
from likeness.density.mixed import Mixed
from likeness.density.vae import VAE

__all__ = [
    "VAE",
    "Bernoulli",
    "DiscretisedLogistic",
    "Gaussian",
    "GaussianMap",
    "Loss",
    "Mixed",
    "Posterior",
    "binarised",
    "converted",
    "cyclic",
    "effective_sigma",
    "explained",
    "kl_weight",
    "linear",
]
