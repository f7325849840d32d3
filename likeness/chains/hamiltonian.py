"""Hamiltonian Monte Carlo: a particle with a random momentum slides over −log f, and is kept where it stops.

    p ~ N(0, I);   L times:  p += (ε/2) ∇ log f(x),  x += ε p,  p += (ε/2) ∇ log f(x)                (1)
    log α = log f(x') − |p'|²/2 − log f(x) + |p|²/2                                                  (2)

L = 1 is MALA with η = ε²; more leaps carry a chain further before it forgets where it was going.

Radford M. Neal. MCMC Using Hamiltonian Dynamics. 2011. https://arxiv.org/abs/1206.1901
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.chains.state import LogDensity, Visit, acceptance, column, sizes, state, where
from likeness.errors import InputError
from likeness.sampling import Streams

BEST = 0.65  # share of proposals accepted: Hamiltonian dynamics are cheapest there (section 5.4.4)


def hamiltonian(
    log_f: LogDensity,
    x: Float[Tensor, "m ..."],
    step_size: Float[Tensor, " m"],
    source: Streams,
    *,
    leapfrogs: int = 10,
) -> tuple[Float[Tensor, "m ..."], Float[Tensor, " m"]]:
    """One step for all rows at once, and the probability with which each was accepted."""
    new = _step(log_f, x, step_size, source, leapfrogs)
    return new.x, new.accepted


@torch.no_grad()
def walked(
    log_f: LogDensity,
    x: Float[Tensor, "m ..."],
    *,
    steps: int,
    step_size: float | Float[Tensor, " m"],
    source: Streams,
    leapfrogs: int = 10,
) -> Iterator[Visit]:
    """The states of chains that begin at x, each `leapfrogs` leaps after the one before.

    Raises:
        InputError: a step size is not above zero, or there is no leap.
    """
    if leapfrogs < 1:
        raise InputError(f"{leapfrogs} leapfrogs: give one or more")
    size = sizes(step_size, x)
    for _ in range(steps):
        visit = _step(log_f, x, size, source, leapfrogs)
        x = visit.x
        yield visit


def _step(log_f: LogDensity, x: Tensor, step_size: Tensor, source: Streams, leapfrogs: int) -> Visit:
    here, momentum = state(log_f, x), source.normal(*x.shape, device=x.device).to(x.dtype)
    size = column(step_size, x)
    there, p = here, momentum
    for _ in range(leapfrogs):
        p = p + size / 2 * there.slope
        there = state(log_f, there.x + size * p)
        p = p + size / 2 * there.slope  # (1)
    log_alpha = acceptance(there.value - here.value + (_energy(momentum) - _energy(p)))  # (2)
    taken = source.uniform(len(x), device=x.device).log() < log_alpha
    return Visit(where(taken, there.x, here.x), torch.where(taken, there.value, here.value), log_alpha.exp())


def _energy(p: Tensor) -> Tensor:
    return p.flatten(1).square().sum(1) / 2
