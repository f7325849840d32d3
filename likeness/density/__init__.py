"""Densities that can be written down, or bounded: p(x) in nats, one paper a file."""

from likeness.bits import bits_per_dim
from likeness.density.conversion import Loss, converted, effective_sigma, explained, kl_weight
from likeness.density.flow import Flow, family
from likeness.density.glow import Glow
from likeness.density.histogram import Histogram
from likeness.density.kde import KDE
from likeness.density.latents import Posterior, cyclic, linear
from likeness.density.likelihoods import Bernoulli, DiscretisedLogistic, Gaussian, GaussianMap, binarised
from likeness.density.mixed import Mixed
from likeness.density.mixture import EM, FORMS, Mixture
from likeness.density.subspace import InSubspace
from likeness.density.vae import VAE

__all__ = [
    "EM",
    "FORMS",
    "KDE",
    "VAE",
    "Bernoulli",
    "DiscretisedLogistic",
    "Flow",
    "Gaussian",
    "GaussianMap",
    "Glow",
    "Histogram",
    "InSubspace",
    "Loss",
    "Mixed",
    "Mixture",
    "Posterior",
    "binarised",
    "bits_per_dim",
    "converted",
    "cyclic",
    "effective_sigma",
    "explained",
    "family",
    "kl_weight",
    "linear",
]
