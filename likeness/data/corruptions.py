"""Noise to be undone: x̃ ~ q(x̃|x), as functions of batches of samples.

    gaussian          x̃ = x + σ ε,   ε ~ N(0, I)                                                    (1)
    masking           a share ν of the entries becomes `value`                                      (2)
    salt_and_pepper   a share ν of the entries becomes `low` or `high`, by a fair coin              (3)

Each entry is hit independently, so that ν is a share on average. σ is in the units of the data: the σ = 0.3 of pixels
in [0, 1] is 0.6 for images in [-1, 1]. Nothing is clipped: a noisy image may leave [-1, 1]. Numbers are drawn anew at
each call, and belong to their sample (`likeness.ranks`).

Pascal Vincent et al. Stacked Denoising Autoencoders. 2010. https://www.jmlr.org/papers/v11/vincent10a.html
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.errors import InputError
from likeness.ranks import noise_like, per_sample

Corruption = Callable[[Tensor], Tensor]  # samples (n, *event) to samples of the same shape


def gaussian(sigma: float) -> Corruption:
    """Raises InputError for a σ below zero."""
    if sigma < 0:
        raise InputError(f"noise of standard deviation {sigma:g}: give zero or more, in the units of the data")
    return lambda x: x + sigma * noise_like(x)  # (1)


def masking(share: float, value: float = 0.0) -> Corruption:
    """`value` is what a masked entry shows: -1 is black in an image, 0 the mean of a standardised column.

    Raises:
        InputError: the share is outside [0, 1].
    """
    _check(share)
    return lambda x: torch.where(_uniform(x) < share, value, x)  # (2)


def salt_and_pepper(share: float, low: float = -1.0, high: float = 1.0) -> Corruption:
    """Raises InputError for a share outside [0, 1]."""
    _check(share)

    def corrupt(x: Float[Tensor, " n *event"]) -> Float[Tensor, " n *event"]:
        u = _uniform(x)
        return torch.where(u < share / 2, low, torch.where(u < share, high, x))  # (3)

    return corrupt


def _uniform(x: Tensor) -> Tensor:
    return per_sample(len(x), lambda n: torch.rand(n, *x.shape[1:], device=x.device))


def _check(share: float) -> None:
    if not 0 <= share <= 1:
        raise InputError(f"a share of {share:g} of the entries: give a number from 0 to 1")
