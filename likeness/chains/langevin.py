"""Langevin chains: along the score, and a little noise.

    x' = x + (η/2) s(x) + √(η T) ξ,   ξ ~ N(0, I),   s = ∇ log f                                      (1)
    log α = log f(x') − log f(x) + log N(x; x' + (η/2) s(x'), η I) − log N(x'; x + (η/2) s(x), η I)   (2)

Unadjusted chains take every step (1). They need the score alone, and their law is off by the size of the step: for a
Gaussian of deviation s its variance is s² / (1 − η/4s²). Adjusted chains (MALA) accept with probability min(1, α),
which takes that error away. Papers that write x + ε s + √(2ε) ξ have η = 2ε. At temperature T the chains walk over
f^(1/T): zero is ascent, and the chains end on the modes as points.

Gareth O. Roberts, Richard L. Tweedie. Exponential convergence of Langevin distributions and their discrete
approximations. 1996. https://doi.org/10.2307/3318418
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.chains.state import (
    LogDensity,
    Score,
    State,
    Visit,
    acceptance,
    alive,
    bound,
    chosen,
    column,
    sizes,
    state,
)
from likeness.errors import InputError
from likeness.sampling import Streams

BEST = 0.574  # share of proposals accepted, in high dimension: https://doi.org/10.1111/1467-9868.00123


def drift(slope: Float[Tensor, "m ..."], eta: Float[Tensor, " m"]) -> Float[Tensor, "m ..."]:
    """Where a step goes before there is noise."""
    return column(eta, slope) / 2 * slope


@torch.no_grad()
def unadjusted(
    score: Score,
    x: Float[Tensor, "m ..."],
    *,
    steps: int,
    step_size: float | Float[Tensor, " m"],
    source: Streams,
    temperature: float = 1.0,
) -> Iterator[Float[Tensor, "m ..."]]:
    """The states of Langevin chains that begin at x; `step_size` is η, one for all or one for each.

    Raises:
        InputError: a step size is not above zero, a temperature below it, or the steps make a chain explode.
    """
    if temperature < 0:
        raise InputError(f"temperature {temperature:g}: give zero (no noise) or more")
    eta, far = sizes(step_size, x), bound(x)
    wide = column((eta * temperature).sqrt(), x)
    for step in range(1, steps + 1):
        xi = source.normal(*x.shape, device=x.device).to(x.dtype)
        x = alive(x + drift(score(x), eta) + wide * xi, far, step, float(eta.max()))  # (1)
        yield x


def proposal(
    log_f: LogDensity, now: State, eta: Float[Tensor, " m"], xi: Float[Tensor, "m ..."]
) -> tuple[State, Float[Tensor, " m"]]:
    """Where the step with this noise leads, and the logarithm of the probability of accepting it."""
    new = state(log_f, now.x + drift(now.slope, eta) + column(eta.sqrt(), xi) * xi)  # (1)
    log_alpha = new.value - now.value + log_step(now.x, new, eta) - log_step(new.x, now, eta)  # (2)
    return new, acceptance(log_alpha)


def log_step(to: Float[Tensor, "m ..."], start: State, eta: Float[Tensor, " m"]) -> Float[Tensor, " m"]:
    """The log density, up to a constant, of the step (1) from `start` to `to`."""
    return -(to - start.x - drift(start.slope, eta)).flatten(1).square().sum(1) / (2 * eta)


@torch.no_grad()
def adjusted(
    log_f: LogDensity,
    x: Float[Tensor, "m ..."],
    *,
    steps: int,
    step_size: float | Float[Tensor, " m"],
    source: Streams,
) -> Iterator[Visit]:
    """The states of Metropolis-adjusted chains that begin at x.

    Raises:
        InputError: a step size is not above zero, or the density of a start is none (NaN or zero).
    """
    eta, now = sizes(step_size, x), state(log_f, x)
    noise, coins = source.split("noise"), source.split("accept")
    if not now.value.isfinite().all():
        raise InputError(f"the log density of a start is {float(now.value.min()):g}: begin where it is finite")
    for _ in range(steps):
        new, log_alpha = proposal(log_f, now, eta, noise.normal(*x.shape, device=x.device).to(x.dtype))
        now = chosen(coins.uniform(len(x), device=x.device).log() < log_alpha, new, now)
        yield Visit(now.x, now.value, log_alpha.exp())
