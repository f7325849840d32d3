"""Adversarial games: losses and penalties as tables of small functions, then one paper a file."""

from likeness.gan.game import GAN
from likeness.gan.losses import (
    LOSSES,
    AdversarialLoss,
    hinge,
    least_squares,
    minimax,
    non_saturating,
    relativistic,
    smoothed,
    wasserstein,
)
from likeness.gan.penalties import Penalty, clip_weights, gradient_penalty, r1, r2
from likeness.gan.unrolled import unrolled
from likeness.gan.wgan_gp import wgan_gp

__all__ = [
    "GAN",
    "LOSSES",
    "AdversarialLoss",
    "Penalty",
    "clip_weights",
    "gradient_penalty",
    "hinge",
    "least_squares",
    "minimax",
    "non_saturating",
    "r1",
    "r2",
    "relativistic",
    "smoothed",
    "unrolled",
    "wasserstein",
    "wgan_gp",
]
