"""Noise levels: which are trained on, what a network is told of one, and which a draw walks down.

    σ_t = √(1/ᾱ_t − 1),   ᾱ_t = Π_{s ≤ t} (1 − β_s)                                                (1)
    linear    β from 10⁻⁴ · 1000/T to 0.02 · 1000/T                                                 (2)
    cosine    β_t = min(1 − f(t)/f(t−1), 0.999),   f(t) = cos²((t/T + 0.008)/1.008 · π/2)           (3)
    edm       ln σ ~ N(−1.2, 1.2²) in training;  ¼ ln σ is told                                     (4)
              σ_i = (σ_max^{1/ρ} + i/(K−1) (σ_min^{1/ρ} − σ_max^{1/ρ}))^ρ  to draw                  (5)
    flow      t uniform in training, or the sigmoid of a normal;  σ = t/(1 − t)                     (6)

Levels are standard deviations of the noise beside data that are not scaled (`denoisers`). A draw may walk down any
list of levels that falls to zero; each schedule has its own way to choose K of them.

(1), (2) Jonathan Ho, Ajay Jain, Pieter Abbeel. Denoising Diffusion Probabilistic Models. 2020.
    https://arxiv.org/abs/2006.11239
(3) Alex Nichol, Prafulla Dhariwal. Improved Denoising Diffusion Probabilistic Models. 2021.
    https://arxiv.org/abs/2102.09672
(4), (5) Tero Karras, Miika Aittala, Timo Aila, Samuli Laine. Elucidating the Design Space of Diffusion-Based
    Generative Models. 2022. https://arxiv.org/abs/2206.00364
(6) Yaron Lipman et al. Flow Matching for Generative Modeling. 2022. https://arxiv.org/abs/2210.02747
    Patrick Esser et al. Scaling Rectified Flow Transformers for High-Resolution Image Synthesis. 2024.
    https://arxiv.org/abs/2403.03206
"""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.errors import InputError

TOLD = 1000  # a network is told of discrete levels and of t as if there were so many, whatever there are


@runtime_checkable
class Schedule(Protocol):
    """What training, networks and draws have to agree on."""

    def trained(self, u: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        """The levels to train on, for uniform numbers in (0, 1): the quantiles of their distribution."""

    def told(self, sigma: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        """What a network is told of these levels."""

    def levels(self, steps: int) -> Float[Tensor, " levels"]:
        """Falling levels for a draw of so many steps, the last one zero, float64.

        Raises:
            InputError: fewer than one step, or more than the schedule has.
        """


class Discrete:
    """The levels of `betas`, the variances that the forward process adds at each of its T steps.

    Attributes:
        sigmas: (T,) the levels, rising, float64.

    Raises:
        InputError: a beta outside (0, 1).
    """

    def __init__(self, betas: Float[Tensor, " T"]) -> None:
        betas = betas.double().cpu()
        if len(betas) < 1 or not ((betas > 0) & (betas < 1)).all():
            wrong = next((b for b in betas.tolist() if not 0 < b < 1), None)
            raise InputError(f"beta {wrong}: each lies between 0 and 1, so that the noise grows at every step")
        self.betas, self.T = betas, len(betas)
        kept = (1 - betas).cumprod(0)
        self.sigmas = rising((1 / kept - 1).sqrt())  # (1)

    def trained(self, u: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        return self.sigmas.to(u)[(u * self.T).long().clamp(max=self.T - 1)]

    def told(self, sigma: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        """The index of the level, 0 … 999 whatever T is; between two levels by their logarithms."""
        return interpolated(sigma.log(), self.sigmas.log().to(sigma)) * (TOLD / self.T)

    def levels(self, steps: int) -> Float[Tensor, " levels"]:
        """Evenly spaced ones of the T, the first and the last among them."""
        counted(steps)
        if steps > self.T:
            raise InputError(
                f"{steps} sampling steps of a schedule of {self.T}: take at most {self.T}, or train with more"
            )
        chosen = torch.linspace(0, self.T - 1, steps, dtype=torch.double).round().long()
        if steps == 1:
            chosen[:] = self.T - 1
        return falling(self.sigmas[chosen])


class Continuous:
    """The levels of any rising function σ(t) of t in (0, 1); a network is told 1000 t.

    Args:
        level: t (n,) to σ (n,), strictly rising.
        density: quantiles t of the distribution that training draws t from; uniform without one.
        first, last: the lowest and the highest t of a draw.

    Raises:
        InputError: the function does not rise, or the ends do not lie in (0, 1).
    """

    def __init__(
        self,
        level: Callable[[Tensor], Tensor],
        *,
        density: Callable[[Tensor], Tensor] | None = None,
        first: float = 1e-3,
        last: float = 1 - 1e-3,
    ) -> None:
        if not 0 < first < last < 1:
            raise InputError(f"t from {first:g} to {last:g}: the ends of a draw rise and lie between 0 and 1")
        self.level, self.density, self.first, self.last = level, density, first, last
        self._t = torch.linspace(1e-5, 1 - 1e-5, 20_001, dtype=torch.double)
        self._log_sigma = rising(level(self._t)).log()

    def trained(self, u: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        t = u if self.density is None else self.density(u)
        return self.level(t.double().clamp(1e-5, 1 - 1e-5)).to(u)

    def told(self, sigma: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        at = interpolated(sigma.double().log(), self._log_sigma.to(sigma.device))
        return (TOLD * (self._t[0] + at * (self._t[1] - self._t[0]))).to(sigma)

    def levels(self, steps: int) -> Float[Tensor, " levels"]:
        """Those of evenly spaced t."""
        counted(steps)
        return falling(self.level(torch.linspace(self.first, self.last, steps, dtype=torch.double)))


class Karras:
    """The levels of EDM, continuous, normal in their logarithm while training."""

    def __init__(
        self,
        *,
        mean: float = -1.2,
        std: float = 1.2,
        sigma_min: float = 0.002,
        sigma_max: float = 80.0,
        rho: float = 7.0,
    ) -> None:
        karras(2, sigma_min, sigma_max, rho)
        self.mean, self.std, self.sigma_min, self.sigma_max, self.rho = mean, std, sigma_min, sigma_max, rho

    def trained(self, u: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        return (self.mean + self.std * torch.special.ndtri(u)).exp()  # (4)

    def told(self, sigma: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        return sigma.log() / 4  # (4)

    def levels(self, steps: int) -> Float[Tensor, " levels"]:
        return karras(steps, self.sigma_min, self.sigma_max, self.rho)


def linear(T: int = 1000) -> Discrete:
    """Raises InputError for fewer than 21 steps, of which the last would leave nothing."""
    if T < 21:
        raise InputError(f"{T} steps of a linear schedule: give 21 or more, its last β is 20/T and lies below 1")
    return Discrete(torch.linspace(0.1 / T, 20 / T, T, dtype=torch.double))  # (2)


def cosine(T: int = 1000) -> Discrete:
    """Raises InputError for fewer than one step."""
    counted(T)
    f = (((torch.arange(T + 1, dtype=torch.double) / T + 0.008) / 1.008) * math.pi / 2).cos().square()
    return Discrete((1 - f[1:] / f[:-1]).clamp(max=0.999))  # (3)


def flow(*, spread: float | None = None) -> Continuous:
    """Straight paths (1 − t) x₀ + t ε; t uniform, or with a `spread` the sigmoid of a normal of this deviation."""
    density = None if spread is None else lambda u: (spread * torch.special.ndtri(u)).sigmoid()
    return Continuous(lambda t: t / (1 - t), density=density)  # (6)


def karras(steps: int, sigma_min: float, sigma_max: float, rho: float = 7.0) -> Float[Tensor, " levels"]:
    """Falling levels, closer together where they are low, the last one zero; good for any denoiser.

    Raises:
        InputError: no step, or ends that do not rise from above zero.
    """
    counted(steps)
    if not 0 < sigma_min < sigma_max:
        raise InputError(f"levels from {sigma_min:g} to {sigma_max:g}: give 0 < sigma_min < sigma_max")
    share = torch.linspace(0, 1, steps, dtype=torch.double)
    high, low = sigma_max ** (1 / rho), sigma_min ** (1 / rho)
    return falling(((high + share * (low - high)) ** rho).flip(0))  # (5)


def falling(sigmas: Float[Tensor, " steps"]) -> Float[Tensor, " levels"]:
    """Rising levels from the highest down, and zero. Raises InputError where they do not rise."""
    return torch.cat((rising(sigmas).flip(0), sigmas.new_zeros(1)))


def rising(sigmas: Float[Tensor, " steps"]) -> Float[Tensor, " steps"]:
    """Raises InputError where levels are not monotone, finite and above zero."""
    for i, (low, high) in enumerate(pairwise([0.0, *sigmas.tolist()])):
        if not low < high < math.inf:
            raise InputError(f"level {i} of the schedule is {high:g} after {low:g}: noise levels rise, from above zero")
    return sigmas


def counted(steps: int) -> None:
    """Raises InputError below one."""
    if steps < 1:
        raise InputError(f"{steps} steps: take one or more")


def interpolated(value: Float[Tensor, " n"], table: Float[Tensor, " k"]) -> Float[Tensor, " n"]:
    """Where values lie among rising ones, as a fractional index; outside, the first or the last."""
    if len(table) == 1:
        return torch.zeros_like(value)
    i = torch.searchsorted(table, value.contiguous()).clamp(1, len(table) - 1)
    low, high = table[i - 1], table[i]
    return (i - 1 + (value - low) / (high - low)).clamp(0, len(table) - 1)
