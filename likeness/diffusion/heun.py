"""The probability flow by Heun's method, of second order, with noise added on the way where that helps.

At each of N steps, from level σ to level σ', γ = min(S_churn/N, √2 − 1) where S_tmin ≤ σ ≤ S_tmax, otherwise 0:

    σ̂ = (1 + γ) σ;   x̂ = x + √(σ̂² − σ²) S_noise z                                                   (1)
    d = (x̂ − D(x̂, σ̂))/σ̂;   x' = x̂ + (σ' − σ̂) d                                                      (2)
    d' = (x' − D(x', σ'))/σ';   x' = x̂ + (σ' − σ̂) (d + d')/2,   unless σ' = 0                        (3)

`euler` ends with (2): half the work, first order. Without churn both solve dx/dσ = (x − D(x, σ))/σ.

Tero Karras, Miika Aittala, Timo Aila, Samuli Laine. Elucidating the Design Space of Diffusion-Based Generative Models.
2022, algorithm 2. https://arxiv.org/abs/2206.00364
"""

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from likeness.diffusion.denoisers import Denoiser
from likeness.diffusion.sampler import Noise, Rule, at
from likeness.errors import InputError


class Churn(NamedTuple):
    """How much noise is added: S_churn over all steps, to levels between S_tmin and S_tmax, S_noise its deviation."""

    S_churn: float = 0.0
    S_tmin: float = 0.0
    S_tmax: float = math.inf
    S_noise: float = 1.0

    def checked(self) -> "Churn":
        """Raises InputError where a number lies outside its range."""
        if not 0 <= self.S_churn < math.inf:
            raise InputError(f"S_churn {self.S_churn:g}: give 0 (no noise) or more, at most {2**0.5 - 1:.2f} a step")
        if not 0 <= self.S_tmin <= self.S_tmax:
            raise InputError(f"churn from level {self.S_tmin:g} to {self.S_tmax:g}: give 0 <= S_tmin <= S_tmax")
        if not 0 < self.S_noise < math.inf:
            raise InputError(f"S_noise {self.S_noise:g}: the noise of churn has a deviation above zero, about 1")
        return self

    def gamma(self, sigma: float, N: int) -> float:
        return min(self.S_churn / N, 2**0.5 - 1) if self.S_tmin <= sigma <= self.S_tmax else 0.0


def heun(*, S_churn: float = 0.0, S_tmin: float = 0.0, S_tmax: float = math.inf, S_noise: float = 1.0) -> Rule:
    """The rule of second order; two calls of the denoiser a step, but for the last.

    Raises:
        InputError: churn out of its range.
    """
    return _rule(Churn(S_churn, S_tmin, S_tmax, S_noise).checked(), second=True)


def euler(*, S_churn: float = 0.0, S_tmin: float = 0.0, S_tmax: float = math.inf, S_noise: float = 1.0) -> Rule:
    """The rule of first order; one call of the denoiser a step.

    Raises:
        InputError: churn out of its range.
    """
    return _rule(Churn(S_churn, S_tmin, S_tmax, S_noise).checked(), second=False)


def _rule(churn: Churn, *, second: bool) -> Rule:
    def rule(D: Denoiser, x: Tensor, sigmas: Float[Tensor, " levels"], noise: Noise) -> Iterator[Tensor]:
        levels = sigmas.tolist()
        for sigma, to in pairwise(levels):
            gamma = churn.gamma(sigma, len(levels) - 1)
            if gamma:
                x = x + sigma * ((1 + gamma) ** 2 - 1) ** 0.5 * churn.S_noise * noise()  # (1)
                sigma *= 1 + gamma  # (1)
            d = (x - D(x, at(sigma, x))) / sigma  # (2)
            ahead = x + (to - sigma) * d  # (2)
            if second and to > 0:
                d = (d + (ahead - D(ahead, at(to, x))) / to) / 2  # (3)
                ahead = x + (to - sigma) * d  # (3)
            x = ahead
            yield x

    return rule
