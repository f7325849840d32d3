"""Predictor and corrector: a step down the reversed diffusion, after steps of Langevin's that stay on the level.

With the score s(x, σ) = (D(x, σ) − x)/σ², at level σ, C times (1), then (2) to level σ':

    x ← x + ε s(x, σ) + √(2ε) z,   ε = 2 r² σ²                                                       (1)
    x' = x + (σ² − σ'²) s(x, σ) + √(σ² − σ'²) z,   z = 0 in the last step                            (2)

r is the signal-to-noise ratio of the corrector. The paper has ε = 2 (r ‖z‖/‖s‖)² with norms that are means over the
batch; here they are what they are where the level is noise, so that no sample depends on its neighbours.

Yang Song, Jascha Sohl-Dickstein, Diederik P. Kingma, Abhishek Kumar, Stefano Ermon, Ben Poole. Score-Based Generative
Modeling through Stochastic Differential Equations. 2021, algorithms 2 and 4. https://arxiv.org/abs/2011.13456
"""

from collections.abc import Iterator
from itertools import pairwise

from jaxtyping import Float
from torch import Tensor

from likeness.diffusion.denoisers import Denoiser, score
from likeness.diffusion.sampler import Noise, Rule, at
from likeness.errors import InputError


def predictor_corrector(*, snr: float = 0.16, corrections: int = 1) -> Rule:
    """The rule with C = `corrections` steps of the corrector a level, r = `snr`.

    Raises:
        InputError: a ratio or a number of steps out of range.
    """
    if not 0 < snr < 1:
        raise InputError(f"snr {snr:g}: give a ratio between 0 and 1, such as the published 0.16")
    if corrections < 0:
        raise InputError(f"{corrections} corrections: give 0 (the predictor alone) or more")

    def rule(D: Denoiser, x: Tensor, sigmas: Float[Tensor, " levels"], noise: Noise) -> Iterator[Tensor]:
        for sigma, to in pairwise(sigmas.tolist()):
            for _ in range(corrections):
                step = 2 * (snr * sigma) ** 2  # (1)
                x = x + step * score(D, x, at(sigma, x)) + (2 * step) ** 0.5 * noise()  # (1)
            added = sigma**2 - to**2
            x = x + added * score(D, x, at(sigma, x))  # (2)
            if to:
                x = x + added**0.5 * noise()  # (2)
            yield x

    return rule
