"""Exact log-densities, and codes, by the ordinary differential equation that every noise level's law follows.

In the unit u = x/c with c² = s² + σ², s the data's deviation, where data of that deviation stand still, by Heun's
method with steps in ln σ, from the data at the lowest level to noise at the highest:

    du/dlnσ = (s² x/c² − D(x, σ))/c                                                                  (1)
    log p(x) = log N(u_T; 0, I) − d log c + ∫ (d s²/c² − tr ∂D/∂x) dlnσ,   c at the lowest level     (2)
    tr ∂D/∂x = E vᵀ (∂D/∂x) v  for random v with E v vᵀ = I; for v = √d e_i, i = 1 … d, their mean   (3)

It is the density of data with noise of the lowest level. Random v are drawn once a sample and kept on the way: every
estimate is without bias in (3), and its equation smooth.

Yang Song, Jascha Sohl-Dickstein, Diederik P. Kingma, Abhishek Kumar, Stefano Ermon, Ben Poole. Score-Based Generative
Modeling through Stochastic Differential Equations. 2021, sections 4.3 and D. https://arxiv.org/abs/2011.13456
Will Grathwohl, Ricky T. Q. Chen, Jesse Bettencourt, Ilya Sutskever, David Duvenaud. FFJORD: Free-form Continuous
Dynamics for Scalable Reversible Generative Models. 2019. https://arxiv.org/abs/1810.01367
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.diffusion.denoisers import Denoiser
from likeness.diffusion.sampler import at, walked
from likeness.errors import InputError
from likeness.sampling import Streams, streams

Probe = Callable[[Streams, int, Sequence[int]], Tensor]  # (n, *event) with E v vᵀ = I
Trace = Callable[[Tensor, Tensor], Tensor]  # D(x) and x to nats (n,)


def rademacher(source: Streams, n: int, event: Sequence[int]) -> Tensor:
    """Signs: of all probes with independent entries those of least variance."""
    return source.integers(n, 2, *event).float().mul_(2).sub_(1)


def gaussian(source: Streams, n: int, event: Sequence[int]) -> Tensor:
    return source.normal(n, *event)


def log_prob(
    D: Denoiser,
    x: Float[Tensor, " n *event"],
    sigmas: Float[Tensor, " levels"],
    *,
    probes: int | None = None,
    probe: Probe = rademacher,
    std: float = 1.0,
    generator: int | Streams | None = None,
) -> Float[Tensor, " n"]:
    """Nats of each sample.

    Args:
        sigmas: falling levels as for a draw; a zero at their end is left out.
        probes: random v a sample; without a number the trace is exact and costs d of them.
        probe: where they come from.
        std: the data's standard deviation s, about.

    Raises:
        InputError: fewer than two levels above zero, or less than one probe.
    """
    if probes is not None and probes < 1:
        raise InputError(f"{probes} probes of the trace: give one or more, or none for the exact trace")
    event, d = x.shape[1:], math.prod(x.shape[1:])
    if probes is None:
        v = list(d**0.5 * torch.eye(d, device=x.device, dtype=x.dtype).view(d, 1, *event))  # (3)
    else:
        source = streams(generator).split("probes")
        v = [probe(source, len(x), event).to(x) for _ in range(probes)]
    rising = _above(sigmas)[::-1]
    x, volume = _flow(D, x, rising, std, v)
    u = (x / math.hypot(std, rising[-1])).flatten(1).double()
    log_normal = -(u.square().sum(1) + d * math.log(2 * math.pi)) / 2
    return (log_normal - d * math.log(math.hypot(std, rising[0])) + volume).to(x.dtype)  # (2)


def encoded(
    D: Denoiser, x: Float[Tensor, " n *event"], sigmas: Float[Tensor, " levels"], *, std: float = 1.0
) -> Float[Tensor, " n *event"]:
    """The noise at the highest level that these samples come from."""
    return _flow(D, x, _above(sigmas)[::-1], std)[0]


def decoded(
    D: Denoiser, x: Float[Tensor, " n *event"], sigmas: Float[Tensor, " levels"], *, std: float = 1.0
) -> Float[Tensor, " n *event"]:
    """The samples, at the lowest level, that come from this noise: `encoded` the other way round."""
    return _flow(D, x, _above(sigmas), std)[0]


def _above(sigmas: Float[Tensor, " levels"]) -> list[float]:
    levels = [s for s in walked(sigmas).tolist() if s > 0]
    if len(levels) < 2:
        raise InputError(f"levels {sigmas.tolist()}: the equation is solved between two or more above zero")
    return levels


def _flow(
    D: Denoiser, x: Tensor, levels: Sequence[float], std: float, v: Sequence[Tensor] = ()
) -> tuple[Tensor, Tensor]:
    """Where samples go through these levels, and the integral of the velocity's divergence on the way."""
    u, volume = x.detach() / math.hypot(std, levels[0]), torch.zeros(len(x), dtype=torch.double, device=x.device)
    for sigma, to in pairwise(levels):
        h = math.log(to / sigma)
        slope, growth = _velocity(D, u, sigma, std, v)
        slope_there, growth_there = _velocity(D, u + h * slope, to, std, v)
        u = u + h / 2 * (slope + slope_there)
        volume += h / 2 * (growth + growth_there)  # (2)
    return u * math.hypot(std, levels[-1]), volume


def _velocity(D: Denoiser, u: Tensor, sigma: float, std: float, v: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """The velocity of u and its divergence, which is 0 where there are no directions to probe it in."""
    c = math.hypot(std, sigma)
    with torch.set_grad_enabled(bool(v)):
        x = (u * c).requires_grad_(bool(v))
        x0 = D(x, at(sigma, x))
        total = torch.zeros(len(x), dtype=torch.double, device=x.device)
        for i, direction in enumerate(v):
            (row,) = torch.autograd.grad(x0, x, direction.expand_as(x), retain_graph=i + 1 < len(v))
            total += (row * direction).flatten(1).sum(1).double()  # (3)
    kept = (std / c) ** 2
    growth = x[0].numel() * kept - total / max(len(v), 1)
    return (kept * x.detach() - x0.detach()) / c, growth  # (1)
