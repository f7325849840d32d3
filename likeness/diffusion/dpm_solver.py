"""DPM-Solver++ (2M): the part of the flow that is known is solved exactly, the denoiser extrapolated from two levels.

In λ = −ln σ, from σ to σ' = σ e^{−h} after a step of length h₋, with x̂₀ and x̂₀₋ what the denoiser said here and there:

    D̂ = x̂₀ + (x̂₀ − x̂₀₋) h/2h₋                 x̂₀ in the first step, and in the last to σ' = 0        (1)
    x' = r x + (1 − r) D̂ + σ' √(1 − e^{−2ηh}) z,   r = e^{−(1+η)h}                                   (2)

η = 0 is the flow, of second order with one call of the denoiser a step; η = 1 is the solver of the stochastic
equation, SDE-DPM-Solver++ (2M), which with D̂ = x̂₀ is DDPM.

Cheng Lu, Yuhao Zhou, Fan Bao, Jianfei Chen, Chongxuan Li, Jun Zhu. DPM-Solver++: Fast Solver for Guided Sampling of
Diffusion Probabilistic Models. 2022. https://arxiv.org/abs/2211.01095
"""

from collections.abc import Iterator
from itertools import pairwise
from math import exp, expm1, inf, log, sqrt

from jaxtyping import Float
from torch import Tensor

from likeness.diffusion.denoisers import Denoiser
from likeness.diffusion.sampler import Noise, Rule, at
from likeness.errors import InputError


def dpm_solver(eta: float = 0.0) -> Rule:
    """The rule with this share of noise.

    Raises:
        InputError: a share outside [0, 1].
    """
    if not 0 <= eta <= 1:
        raise InputError(f"eta {eta:g}: give 0 (no noise) to 1 (the stochastic equation)")

    def rule(D: Denoiser, x: Tensor, sigmas: Float[Tensor, " levels"], noise: Noise) -> Iterator[Tensor]:
        before, h_before = None, inf
        for sigma, to in pairwise(sigmas.tolist()):
            h = log(sigma / to) if to else inf
            x0 = D(x, at(sigma, x))
            there = x0 if before is None or not to else x0 + h / (2 * h_before) * (x0 - before)  # (1)
            x = there + exp(-(1 + eta) * h) * (x - there)  # (2)
            if eta and to:
                x = x + to * sqrt(-expm1(-2 * eta * h)) * noise()  # (2)
            before, h_before = x0, h
            yield x

    return rule
