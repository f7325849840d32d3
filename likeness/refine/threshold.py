"""The naive filter: keep the share of the draws that a critic likes best. It is here to be beaten.

Cutting off below a quantile of the score under-represents the tails of the data and loses whole modes, because a
sample is kept always or never; rejection sampling keeps it with the right probability instead.

Samaneh Azadi, Catherine Olsson, Trevor Darrell, Ian Goodfellow, Augustus Odena. Discriminator Rejection
Sampling. 2019. https://arxiv.org/abs/1810.06758 (Figure 1)
"""

import math

import torch
from torch import Tensor

from likeness.errors import InputError
from likeness.refine.accept import Filter, Rule
from likeness.refine.ratio import Logit
from likeness.sampling import Sampler


def threshold(
    sampler: Sampler, score: Logit, *, share: float = 0.25, burn_in: int = 10_000, block: int = 512, seed: int = 0
) -> Filter:
    """The sampler that keeps the draws whose score is among the best `share`, in (0, 1), of a burn-in."""
    if not 0 < share < 1:
        raise InputError(f"share={share}: the share to keep lies between 0 and 1, for example 0.25")

    def plan(burn_in: Tensor) -> Rule:
        least = torch.quantile(burn_in, 1 - share)
        return Rule("threshold", lambda d, d_M: torch.where(d >= least, 0.0, -math.inf).double(),
                    lambda d_M: {"share": share, "least": float(least)}, "a larger share")  # fmt: skip

    return Filter(sampler, score, plan, burn_in=burn_in, block=block, seed=seed)
