"""Rejection sampling by a discriminator (DRS), and the least distortion that a budget of proposals allows.

The optimal discriminator's logit is D̃*(x) = log p_d(x)/p_g(x), with the maximum D̃*_M. Keeping x with probability
e^{D̃*(x) − D̃*_M} = σ(F(x)) draws from p_d exactly:

    F(x) = D̃*(x) − D̃*_M − log(1 − e^{D̃*(x) − D̃*_M})                    (7)
    F̂(x) = D̃*(x) − D̃*_M − log(1 − e^{D̃*(x) − D̃*_M − ε}) − γ            (8)

ε keeps F̂ finite at the maximum; a larger γ rejects more. γ = 0 is exact (up to ε, and to the maximum, which is that of
a burn-in and rises with what is seen afterwards). The paper sets γ to a percentile of F and admits that this distorts
the distribution: it favours what the ratio likes most and does not repair the weights of modes. Here the percentile is
that of the burn-in (with the running maximum in F), so that draws do not depend on batches.

The default is not the paper's: `budget` proposals a draw, and the acceptance a(x) = min(1, c r(x)) that comes nearest
to p_d with them (proved in `distortion`), exact where the budget allows.

Samaneh Azadi, Catherine Olsson, Trevor Darrell, Ian Goodfellow, Augustus Odena. Discriminator Rejection
Sampling. 2019. https://arxiv.org/abs/1810.06758
"""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import logsigmoid

from likeness.errors import InputError
from likeness.refine.accept import Filter, Rule
from likeness.refine.distortion import log_scale
from likeness.refine.ratio import Logit
from likeness.refine.report import Number
from likeness.sampling import Sampler


def unshifted_logit(d: Float[Tensor, "*n"], d_M: Float[Tensor, ""], eps: float = 1e-6) -> Float[Tensor, "*n"]:
    """F of (7), with ε so that it is finite at the maximum. `d` ≤ `d_M` are log ratios; float64 is advised."""
    gap = d - d_M
    return gap - torch.log(-torch.expm1(gap - eps))  # (7)


def acceptance_logit(
    d: Float[Tensor, " n"], d_M: Float[Tensor, ""], eps: float = 1e-6, gamma: Number = 0.0
) -> Float[Tensor, " n"]:
    """F̂ of (8): a sample with the log ratio `d` is kept with probability σ(F̂)."""
    return unshifted_logit(d, d_M, eps) - gamma  # (8)


def rejection(
    sampler: Sampler,
    log_ratio: Logit,
    *,
    budget: Number | None = None,
    percentile: Number | None = None,
    gamma: Number | None = None,
    eps: float = 1e-6,
    burn_in: int = 10_000,
    block: int = 512,
    seed: int = 0,
) -> Filter:
    """The sampler of what rejection by `log_ratio` leaves of `sampler`; the burn-in is drawn at once.

    Args:
        budget: how many proposals a draw one can afford, ≥ 1 (10 unless one of the next two is given).
        percentile: the paper's way to set γ, in percent: 95 for vectors, 80 for images.
        gamma: γ by value; 0 for exact rejection sampling.
        eps: ε of (8), > 0.
        burn_in, block, seed: see `Filter`.

    Raises:
        InputError: more than one of budget, percentile and gamma; a percentile that is no percentage; a critic
            that gives NaN.
    """
    given = {"budget": budget, "percentile": percentile, "gamma": gamma}
    named = [f"{name}={value}" for name, value in given.items() if value is not None]
    if len(named) > 1:
        raise InputError(f"{' and '.join(named)} exclude one another: give one of them")
    if not eps > 0:
        raise InputError(f"eps={eps}: it has to be positive, for example 1e-6")
    if percentile is not None:
        plan = by_percentile(percentile, eps)
    elif gamma is not None:
        plan = by_gamma(gamma, eps)
    else:
        plan = by_budget(10.0 if budget is None else budget)
    return Filter(sampler, log_ratio, plan, burn_in=burn_in, block=block, seed=seed)


def by_gamma(gamma: Number, eps: float = 1e-6) -> Callable[[Tensor], Rule]:
    """The paper's rule with γ by value."""
    if not math.isfinite(gamma):
        raise InputError(f"gamma={gamma}: give a finite number, 0 for exact rejection sampling")

    def plan(burn_in: Tensor) -> Rule:
        return Rule("rejection", lambda d, d_M: logsigmoid(acceptance_logit(d, d_M, eps, gamma)),
                    lambda d_M: {"gamma": gamma}, "a lower gamma or a budget")  # fmt: skip

    return plan


def by_percentile(percentile: Number, eps: float = 1e-6) -> Callable[[Tensor], Rule]:
    """The paper's rule with γ such that the given percentage of the burn-in is kept with probability below one half.

    F rises with D̃*, so the percentile of F is F at the percentile of D̃*; it follows the running maximum.
    """
    if 0 < percentile <= 1:
        raise InputError(f"percentile={percentile}: percentiles run from 0 to 100; did you mean {100 * percentile:g}?")
    if not 0 < percentile < 100:
        raise InputError(f"percentile={percentile}: percentiles lie between 0 and 100, for example 95")

    def plan(burn_in: Tensor) -> Rule:
        middle = torch.quantile(burn_in, percentile / 100)

        def log_accept(d: Tensor, d_M: Tensor) -> Tensor:
            return logsigmoid(unshifted_logit(d, d_M, eps) - unshifted_logit(middle, d_M, eps))  # (8)

        def facts(d_M: Tensor) -> dict[str, Number]:
            return {"gamma": float(unshifted_logit(middle, d_M, eps)), "percentile": percentile}

        return Rule("rejection", log_accept, facts, "a lower percentile or a budget")

    return plan


def by_budget(budget: Number) -> Callable[[Tensor], Rule]:
    """The least distortion for `budget` proposals a draw: a = min(1, c r), and c = 1/M where that costs no more."""
    if not 1 <= budget < math.inf:
        raise InputError(f"budget={budget}: it counts proposals a draw, 1 or more")

    def plan(burn_in: Tensor) -> Rule:
        log_c = log_scale(burn_in, budget)

        def log_accept(d: Tensor, d_M: Tensor) -> Tensor:
            return (d + torch.clamp(-d_M, min=log_c)).clamp(max=0)

        return Rule(
            "rejection",
            log_accept,
            lambda d_M: {"budget": budget, "log_c": max(log_c, -float(d_M))},
            "a smaller budget",
        )

    return plan


def budget_for(rows: int, n: int) -> float:
    """The budget with which `rows` samples on file yield `n` draws, but for one time in thirty thousand.

    Of the m = rows / budget draws expected, at least m − 4 √(m (1 − m / rows)) come; this is set equal to n.

    Raises:
        InputError: `n` is not among 1 … rows.
    """
    if not 1 <= n <= rows:
        raise InputError(f"{n} draws from {rows} samples on file: ask for 1 to {rows}")
    half, square = n + 8, 1 + 16 / rows
    return rows / min((half + math.sqrt(half**2 - square * n**2)) / square, rows)
