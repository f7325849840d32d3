"""Densities that can be written down, or bounded: p(x) in nats, one paper a file."""

from likeness.bits import bits_per_dim
from likeness.density.conditionals import Binary, Gaussians
from likeness.density.conversion import Loss, converted, effective_sigma, explained, kl_weight
from likeness.density.dequantisation import Variational
from likeness.density.exemplar_vae import ExemplarVAE
from likeness.density.flow import Flow, family
from likeness.density.glow import Glow
from likeness.density.histogram import Histogram
from likeness.density.kde import KDE
from likeness.density.ladder import Ladder
from likeness.density.latents import Posterior, cyclic, linear
from likeness.density.likelihoods import Bernoulli, DiscretisedLogistic, Gaussian, GaussianMap, binarised
from likeness.density.logistics import Logistics
from likeness.density.made import MADE
from likeness.density.mixed import Mixed
from likeness.density.mixture import EM, FORMS, Mixture
from likeness.density.pixelcnn import PixelCNN
from likeness.density.subspace import InSubspace
from likeness.density.vae import VAE
from likeness.density.wae import WAE

__all__ = [
    "EM",
    "FORMS",
    "KDE",
    "MADE",
    "VAE",
    "WAE",
    "Bernoulli",
    "Binary",
    "DiscretisedLogistic",
    "ExemplarVAE",
    "Flow",
    "Gaussian",
    "GaussianMap",
    "Gaussians",
    "Glow",
    "Histogram",
    "InSubspace",
    "Ladder",
    "Logistics",
    "Loss",
    "Mixed",
    "Mixture",
    "PixelCNN",
    "Posterior",
    "Variational",
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
