"""Where chains are, and how a chain is looked at: (chains, *event) at a time, every one with its own random stream.

A chain is a generator of its states, so that each can be shown; its random numbers come from `sampling.Streams`, so
that chain i depends on the seed and on i alone, in whatever company it walks.
"""

import math
from collections import deque
from collections.abc import Callable, Iterable
from itertools import islice
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor

from likeness.errors import InputError

LogDensity = Callable[[Tensor], Tensor]  # rows (m, *event) to nats (m,), differentiable; a constant may be missing
Score = Callable[[Tensor], Tensor]  # rows (m, *event) to the gradient of their log density, in their shape
FAR = 1e4  # times as far out as where the chains began, no chain comes back from


class State(NamedTuple):
    """Chains with the log density and its gradient there."""

    x: Float[Tensor, "m ..."]
    value: Float[Tensor, " m"]
    slope: Float[Tensor, "m ..."]


class Visit(NamedTuple):
    """A state of Metropolis chains, and the probability with which the last proposal of each was accepted."""

    x: Float[Tensor, "m ..."]
    value: Float[Tensor, " m"]
    accepted: Float[Tensor, " m"]


def state(log_f: LogDensity, x: Float[Tensor, "m ..."]) -> State:
    """The log density and its gradient at `x`; no graph is left of either."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        value = log_f(x)
        (slope,) = torch.autograd.grad(value.sum(), x)
    return State(x.detach(), value.detach(), slope)


def chosen(moves: Bool[Tensor, " m"], new: State, old: State) -> State:
    """The new state where a chain moves, the old one where it does not."""
    x, slope = (where(moves, a, b) for a, b in ((new.x, old.x), (new.slope, old.slope)))
    return State(x, torch.where(moves, new.value, old.value), slope)


def where(moves: Bool[Tensor, " m"], new: Shaped[Tensor, "m ..."], old: Shaped[Tensor, "m ..."]) -> Tensor:
    """Rows of `new` where `moves`, else of `old`."""
    return torch.where(column(moves, new), new, old)


def column(a: Shaped[Tensor, " m"], x: Shaped[Tensor, "m ..."]) -> Tensor:
    """One number a chain, to be multiplied with x."""
    return a.view(-1, *[1] * (x.ndim - 1))


def sizes(step_size: float | Float[Tensor, " m"], x: Float[Tensor, "m ..."]) -> Tensor:
    """The step size of each chain, (m,).

    Raises:
        InputError: one is not above zero.
    """
    size = torch.as_tensor(step_size, dtype=x.dtype, device=x.device).expand(len(x))
    if not (size > 0).all():
        raise InputError(f"step size {float(size.min()):g}: it has to be above zero, for example 0.01")
    return size


def bound(x: Float[Tensor, "m ..."]) -> float:
    """The distance from the origin that a chain which begins at x does not come back from."""
    return FAR * (1 + float(x.abs().max()))


def alive(x: Float[Tensor, "m ..."], far: float, step: int, step_size: float) -> Tensor:
    """The chains themselves.

    Raises:
        InputError: one of them has exploded: it is not finite, or beyond `far`.
    """
    furthest = float(x.abs().max())
    if not furthest <= far:
        lost = int((~(x.abs() <= far)).flatten(1).any(1).sum())
        raise InputError(
            f"step size {step_size:g}: {lost} of {len(x)} chains exploded at step {step} (|x| reached {furthest:.3g}): "
            f"use smaller steps, such as {step_size / 10:.2g}, or chains that reject such steps (MALA, HMC)"
        )
    return x


def last(states: Iterable[Tensor]) -> Tensor:
    """Where chains end; none of the states before is kept.

    Raises:
        InputError: the chains have no state, because they were asked for no step.
    """
    kept = deque(states, maxlen=1)
    if not kept:
        raise InputError("chains of 0 steps have no end: give one step or more")
    return kept[0]


def recorded(states: Iterable[Tensor], *, every: int = 1, skip: int = 0) -> Shaped[Tensor, "steps m ..."]:
    """Every so-manieth state after the first `skip` of them: what `verdict` looks at.

    Raises:
        InputError: there are none.
    """
    kept = list(islice(states, skip + every - 1, None, every))
    if not kept:
        raise InputError(f"no state is left after the first {skip}: run the chains for longer")
    return torch.stack(kept)


def acceptance(log_alpha: Float[Tensor, " m"]) -> Float[Tensor, " m"]:
    """log min(1, α); what is not a number is rejected."""
    return log_alpha.nan_to_num(nan=-math.inf).clamp_max(0)
