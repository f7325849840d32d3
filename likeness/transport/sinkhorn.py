"""Entropic transport: the plan between two sets of points that scores best, smoothed by its entropy.

    Q* = argmax ⟨Q, S⟩ + ε H(Q)   over Q ≥ 0 with rows that sum to a and columns that sum to b               (1)
    log Q* = (S_ij + f_i + g_j)/ε,   with potentials f, g for which both hold                                (2)
    g_j ← ε log b_j − ε log Σ_i exp((S_ij + f_i)/ε)                                                          (3)
    f_i ← ε log a_i − ε log Σ_j exp((S_ij + g_j)/ε)                                                          (4)

H(Q) = −Σ Q (log Q − 1). Of a cost C, the cheapest plan is that of the scores S = −C. An iteration is (3) and then (4),
so that rows always sum exactly and what is missing is seen in the columns. All is done with logarithms: ε may be small
against the scores, whose exponentials would not be numbers any more.

Marco Cuturi. Sinkhorn Distances: Lightspeed Computation of Optimal Transport. 2013. https://arxiv.org/abs/1306.0895
Gabriel Peyré, Marco Cuturi. Computational Optimal Transport, section 4.4. 2019. https://arxiv.org/abs/1803.00567
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.errors import InputError

LOOK = 10  # iterations between two looks at what is missing, each of which takes half the time of an iteration
Marginal = Float[Tensor, "..."] | None  # a share for each row, or column, of every problem; none: equal shares


class Plan(NamedTuple):
    """What was found: the logarithm of the plan, its potentials (in units of scores), and how far it was iterated."""

    log: Float[Tensor, "*batch n k"]
    f: Float[Tensor, "*batch n"]
    g: Float[Tensor, "*batch k"]
    iterations: int

    @property
    def mass(self) -> Float[Tensor, "*batch n k"]:
        """The plan itself: together one."""
        return self.log.exp()

    def errors(self, a: Marginal = None, b: Marginal = None) -> tuple[Float[Tensor, "*batch"], Float[Tensor, "*batch"]]:
        """By how much the sum of a row, and that of a column, is off at most, as a share of what it should be."""
        rows, columns = self.log.logsumexp(-1), self.log.logsumexp(-2)
        return _off(rows, _log(a, rows, "a")), _off(columns, _log(b, columns, "b"))


def sinkhorn(
    scores: Float[Tensor, "*batch n k"],
    *,
    epsilon: float,
    iterations: int = 3,
    a: Marginal = None,
    b: Marginal = None,
    tolerance: float | None = None,
) -> Float[Tensor, "*batch n k"]:
    """The logarithm of the plan; see `plan`."""
    return plan(scores, epsilon=epsilon, iterations=iterations, a=a, b=b, tolerance=tolerance).log


def plan(
    scores: Float[Tensor, "*batch n k"],
    *,
    epsilon: float,
    iterations: int = 3,
    a: Marginal = None,
    b: Marginal = None,
    tolerance: float | None = None,
) -> Plan:
    """The plan of the scores (of −cost), its potentials, and the number of iterations made; gradients go through.

    Args:
        scores: any number of problems of one size, in single precision at least while they are solved.
        epsilon: how much the entropy counts, in units of scores.
        iterations: so many; with a tolerance, at most so many.
        a: what the rows sum to, together one; equal shares if not given.
        b: what the columns sum to, together one.
        tolerance: stop when no column is off by more than this share of what it should be.

    Raises:
        InputError: epsilon or the iterations are not above zero, marginals have another shape or do not sum to one,
            or the tolerance was not reached.
    """
    if not epsilon > 0:
        raise InputError(f"epsilon {epsilon:g}: the entropy counts for more than nothing, such as 0.05")
    if iterations < 1:
        raise InputError(f"{iterations} iterations of Sinkhorn: make one or more, such as 3")
    S = scores.to(torch.promote_types(scores.dtype, torch.float32)) / epsilon
    log_a, log_b = _log(a, S[..., 0], "a"), _log(b, S[..., 0, :], "b")
    f, off = torch.zeros_like(log_a), torch.tensor(math.inf)
    for done in range(1, iterations + 1):
        g = log_b - (S + f[..., None]).logsumexp(-2)  # (3)
        f = log_a - (S + g[..., None, :]).logsumexp(-1)  # (4)
        if tolerance is not None and (done % LOOK == 0 or done == iterations):
            off = _off((S + f[..., None]).logsumexp(-2) + g, log_b).max()
            if off <= tolerance:
                break
    if tolerance is not None and not off <= tolerance:
        raise InputError(
            f"after {iterations} iterations of Sinkhorn a column is off by {float(off):.2g} of its sum, more than the "
            f"tolerance {tolerance:g}: allow more iterations or a larger epsilon than {epsilon:g}"
        )
    log_Q = S + f[..., None] + g[..., None, :]  # (2)
    return Plan(log_Q, epsilon * f, epsilon * g, done)  # (1)


def _log(m: Tensor | None, like: Tensor, name: str) -> Tensor:
    """The logarithm of a marginal, in the shape of `like`; equal shares where there is none."""
    if m is None:
        return torch.full_like(like, -math.log(like.shape[-1]))
    if m.shape[-1] != like.shape[-1]:
        raise InputError(f"the marginal {name} has {m.shape[-1]} entries for {like.shape[-1]}: give one for each")
    if not ((m >= 0).all() and ((m.sum(-1) - 1).abs() < 1e-4).all()):
        raise InputError(f"the marginal {name} is no set of shares: none below zero, together one; divide by its sum")
    return m.to(like).log().expand_as(like)


def _off(found: Tensor, wanted: Tensor) -> Tensor:
    """The largest |found/wanted − 1|, of logarithms; what should be nothing counts as it is."""
    return torch.where(wanted.isinf(), found.exp(), (found - wanted).expm1().abs()).amax(-1)
