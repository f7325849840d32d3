"""Inpainting by replacement: at every level the known part is what it is, with noise; the rest is walked down.

    x ← m (x̄₀ + σ ε) + (1 − m) x,   then the rule's step from σ to σ'                                (1)
    x ← x + √(σ² − σ'²) z           back up, and again, `resamples` times a level                   (2)

Replacement alone (once a level; Song et al.) makes parts that do not match, as what is unknown never hears in time of
what is known; going back and forth (Lugmayr et al.) gives it the time. Any rule of one level at a time will do.

(1) Yang Song et al. Score-Based Generative Modeling through Stochastic Differential Equations. 2021.
    https://arxiv.org/abs/2011.13456
(2) Andreas Lugmayr, Martin Danelljan, Andres Romero, Fisher Yu, Radu Timofte, Luc Van Gool. RePaint: Inpainting using
    Denoising Diffusion Probabilistic Models. 2022. https://arxiv.org/abs/2201.09865
"""

from collections.abc import Iterator
from itertools import pairwise

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from likeness.diffusion.denoisers import Denoiser
from likeness.diffusion.sampler import Noise, Rule
from likeness.errors import InputError


def repainted(
    rule: Rule,
    known: Float[Tensor, " k *event"],
    mask: Bool[Tensor, " *event"],
    *,
    resamples: int = 10,
) -> Rule:
    """The rule for draws that are `known` where `mask` is true.

    Args:
        known: samples, one for each draw or one for all; read only where the mask is true.
        resamples: how often each step is walked; 1 is replacement alone.

    Raises:
        InputError: fewer than one resample; in use, known samples of another number or shape than the draws.
    """
    if resamples < 1:
        raise InputError(f"{resamples} resamples: walk each step once or more")

    def walk(D: Denoiser, x: Tensor, sigmas: Float[Tensor, " levels"], noise: Noise) -> Iterator[Tensor]:
        if known.shape[1:] != x.shape[1:] or len(known) not in (1, len(x)):
            raise InputError(
                f"{tuple(known.shape)} is known of draws of {tuple(x.shape)}: give one each, or one for all"
            )
        for levels in pairwise(sigmas):
            sigma, to = (float(level) for level in levels)
            for again in range(resamples):
                if again:
                    x = x + (sigma**2 - to**2) ** 0.5 * noise()  # (2)
                x = torch.where(mask, known + sigma * noise(), x)  # (1)
                *_, x = rule(D, x, torch.stack(levels), noise)
            yield x if to else torch.where(mask, known, x)

    return walk
