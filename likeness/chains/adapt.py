"""A step size that chains accept as often as is wanted, found while they walk.

    log η ← log η + c t^{−1/2} (mean acceptance − wanted)                                           (1)

The chains that found it are thrown away or begun anew: a step size that still looks at what was accepted would bias
them.

Herbert Robbins, Sutton Monro. A Stochastic Approximation Method. 1951. https://doi.org/10.1214/aoms/1177729586
Christophe Andrieu, Johannes Thoms. A tutorial on adaptive MCMC. 2008. https://doi.org/10.1007/s11222-008-9110-y
"""

import math
from collections.abc import Callable
from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.errors import InputError

S = TypeVar("S")


def adapted(
    step: Callable[[S, float], tuple[S, Float[Tensor, " m"]]],
    start: S,
    *,
    first: float,
    wanted: float,
    steps: int = 60,
    gain: float = 3.0,
) -> tuple[S, float]:
    """Where chains are after `steps` steps, and the size that they found.

    Args:
        step: from where chains are and a step size to where they go, and the probability with which each accepted.
        first: the size to begin with.
        wanted: the share of accepted proposals, such as `langevin.BEST` or `hamiltonian.BEST`.

    Raises:
        InputError: `first` is not above zero.
    """
    if not first > 0:
        raise InputError(f"step size {first:g}: it has to be above zero, for example 0.01")
    log_eta, now = math.log(first), start
    for t in range(1, steps + 1):
        with torch.no_grad():
            now, accepted = step(now, math.exp(log_eta))
        log_eta += gain / math.sqrt(t) * (float(accepted.mean()) - wanted)  # (1)
    return now, math.exp(log_eta)
