"""Annealed importance sampling: the ratio of two normalising constants, by chains that walk from one law to the other.

    f_β = f₀^(1−β) f₁^β,   0 = β₀ < β₁ < … < β_T = 1                                                   (1)
    x₀ ~ f₀/Z₀;   log w = Σ_t (β_t − β_{t−1}) (log f₁ − log f₀)(x_{t−1}),   x_t ~ T_t(· | x_{t−1})     (2)
    E w = Z₁/Z₀,  so that  E log w ≤ log Z₁/Z₀,  and of several chains  E log mean w ≤ log Z₁/Z₀       (3)
    β_t  spaced evenly for a sigmoid: closely where either end is near                                 (4)

T_t leaves f_{β_t} as it is: Hamiltonian Monte Carlo. Walked the other way, from exact draws of f₁/Z₁, −log w bounds
log Z₁/Z₀ from above; for simulated data, whose draws are at hand, the two enclose it. Both hold for step sizes that
are known before the chain starts: `tuned` finds them by chains of their own.

Radford M. Neal. Annealed Importance Sampling. 2001. https://arxiv.org/abs/physics/9803008
(4) Yuhuai Wu, Yuri Burda, Ruslan Salakhutdinov, Roger Grosse. On the Quantitative Analysis of Decoder-Based Generative
    Models. 2017. https://arxiv.org/abs/1611.04273
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.chains.hamiltonian import BEST, hamiltonian
from likeness.chains.state import LogDensity
from likeness.errors import InputError
from likeness.sampling import Streams


class Bridge(NamedTuple):
    """The two ends of the walk. Each row may have ends of its own, such as the posterior of its own sample."""

    log_f0: LogDensity
    log_f1: LogDensity

    def at(self, beta: float) -> LogDensity:
        if beta in (0.0, 1.0):  # an end that is −∞ somewhere would make 0 · −∞ of the other
            return self.log_f1 if beta else self.log_f0
        return lambda x: (1 - beta) * self.log_f0(x) + beta * self.log_f1(x)  # (1)


def schedule(T: int, steepness: float = 4.0) -> list[float]:
    """β₀ … β_T.

    Raises:
        InputError: fewer than one step.
    """
    if T < 1:
        raise InputError(f"{T} temperatures: annealing needs one step or more, and hundreds to be tight")
    raw = [1 / (1 + math.exp(-steepness * (2 * t / T - 1))) for t in range(T + 1)]
    return [(r - raw[0]) / (raw[-1] - raw[0]) for r in raw]  # (4)


def annealed(
    bridge: Bridge,
    x: Float[Tensor, "m ..."],
    betas: list[float],
    step_sizes: Float[Tensor, "steps m"],
    source: Streams,
    *,
    leapfrogs: int = 10,
) -> tuple[Float[Tensor, "m ..."], Float[Tensor, " m"]]:
    """Where the chains end and their log w: of Z₁/Z₀ for rising `betas` and draws x of f₀; falling, of Z₀/Z₁.

    Args:
        betas: from 0 to 1, or from 1 to 0 with draws of f₁.
        step_sizes: one for each β and row, in the order of `betas` (`tuned`).
    """
    log_w = torch.zeros(len(x), dtype=torch.float64, device=x.device)
    for t in range(1, len(betas)):
        with torch.no_grad():
            log_w += (betas[t] - betas[t - 1]) * (bridge.log_f1(x) - bridge.log_f0(x)).double()  # (2)
        x, _ = hamiltonian(bridge.at(betas[t]), x, step_sizes[t], source, leapfrogs=leapfrogs)
    return x, log_w


def log_mean_weight(log_w: Float[Tensor, "n chains"]) -> Float[Tensor, " n"]:
    """What several chains say of each ratio."""
    return torch.logsumexp(log_w, 1) - math.log(log_w.shape[1])  # (3)


def tuned(
    bridge: Bridge,
    x: Float[Tensor, "m ..."],
    betas: list[float],
    source: Streams,
    *,
    leapfrogs: int = 10,
    first: float = 0.1,
) -> Float[Tensor, "steps m"]:
    """A step size for each β and row, by chains that start at draws x of f₀ and are thrown away."""
    log_size = torch.full((len(x),), math.log(first), device=x.device)
    sizes = []
    for i, beta in enumerate(betas):
        for _ in range(20 if i == 0 else 1):  # at the start nothing is known of the scale
            x, accepted = hamiltonian(bridge.at(beta), x, log_size.exp(), source, leapfrogs=leapfrogs)
            log_size = log_size + 0.1 * (accepted - BEST)
        sizes.append(log_size.exp())
    return torch.stack(sizes)
