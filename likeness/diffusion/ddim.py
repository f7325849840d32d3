"""Denoising diffusion implicit models: the same network, drawn from in few steps, with or without noise.

From level σ to level σ', both beside unscaled data, with x̂₀ = D(x, σ):

    x' = x̂₀ + √(σ'² − s²) (x − x̂₀)/σ + s z,     s² = η² σ'² (σ² − σ'²)/σ²                          (1)

η = 0 draws no noise: x' is a function of x that can be walked backwards (`inverted`), Euler's rule for the ODE of the
probability flow. η = 1 is the posterior of DDPM.

Jiaming Song, Chenlin Meng, Stefano Ermon. Denoising Diffusion Implicit Models. 2021. https://arxiv.org/abs/2010.02502
"""

from collections.abc import Iterator
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.diffusion.denoisers import Denoiser
from likeness.diffusion.sampler import Noise, Rule, at
from likeness.errors import InputError


def ddim(eta: float = 0.0) -> Rule:
    """The rule with this share of DDPM's noise.

    Raises:
        InputError: a share outside [0, 1].
    """
    if not 0 <= eta <= 1:
        raise InputError(f"eta {eta:g}: give 0 (no noise) to 1 (the noise of DDPM)")

    def rule(D: Denoiser, x: Tensor, sigmas: Float[Tensor, " levels"], noise: Noise) -> Iterator[Tensor]:
        for sigma, to in pairwise(sigmas.tolist()):
            x0 = D(x, at(sigma, x))
            s = eta * to * (1 - (to / sigma) ** 2) ** 0.5
            x = x0 + (to**2 - s**2) ** 0.5 * (x - x0) / sigma  # (1)
            if s:
                x = x + s * noise()  # (1)
            yield x

    return rule


@torch.no_grad()
def inverted(
    D: Denoiser, x: Float[Tensor, " n *event"], sigmas: Float[Tensor, " levels"]
) -> Float[Tensor, " n *event"]:
    """The noise, at the highest level, that `ddim()` walks down to these samples: steps in the other direction.

    The first step uses D at the lowest level above zero, where D(x) is x.
    """
    levels = [s for s in sigmas.tolist() if s > 0][::-1]
    for sigma, to in pairwise(levels):
        x0 = D(x, at(sigma, x))
        x = x0 + to / sigma * (x - x0)
    return x
