"""Guidance between two noise levels only: above them it costs variety, below them it changes nothing.

    D'(x, σ) = D_guided(x, σ) for σ_lo < σ ≤ σ_hi, else D(x, σ)                                      (1)

Tuomas Kynkäänniemi, Miika Aittala, Tero Karras, Samuli Laine, Timo Aila, Jaakko Lehtinen. Applying Guidance in a
Limited Interval Improves Sample and Distribution Quality in Diffusion Models. 2024. https://arxiv.org/abs/2404.07724
"""

import math

import torch
from torch import Tensor

from likeness.diffusion.denoisers import Denoiser, Prediction, over, predict
from likeness.errors import InputError


class Within:
    """One denoiser within an interval of levels and another one outside; what is not needed is not evaluated."""

    def __init__(self, inside: Denoiser, outside: Denoiser, low: float, high: float) -> None:
        self.inside, self.outside, self.low, self.high = inside, outside, low, high

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        here = (sigma > self.low) & (sigma <= self.high)  # (1)
        if here.all():
            return self.inside(x, sigma)
        if not here.any():
            return self.outside(x, sigma)
        return torch.where(over(here.to(x), x).bool(), self.inside(x, sigma), self.outside(x, sigma))

    def predict(self, x: Tensor, sigma: Tensor) -> Prediction:
        here = (sigma > self.low) & (sigma <= self.high)  # (1)
        if here.all():
            return predict(self.inside, x, sigma)
        if not here.any():
            return predict(self.outside, x, sigma)
        a, b, keep = predict(self.inside, x, sigma), predict(self.outside, x, sigma), over(here.to(x), x).bool()
        return Prediction(torch.where(keep, a.x0, b.x0), _chosen(keep, a.v, b.v), _chosen(keep, a.push, b.push))


def within(guided: Denoiser, plain: Denoiser, low: float = 0.0, high: float = math.inf) -> Denoiser:
    """`guided` for levels above `low` up to `high`, `plain` elsewhere.

    Raises:
        InputError: the interval is empty.
    """
    if not 0 <= low < high:
        raise InputError(f"guidance between levels {low:g} and {high:g}: give 0 <= low < high")
    return Within(guided, plain, low, high)


def _chosen(keep: Tensor, a: Tensor | None, b: Tensor | None) -> Tensor | None:
    """One of two, sample by sample; what only one of them has is zero for the other."""
    if a is None and b is None:
        return None
    zero = torch.zeros((), device=keep.device)
    return torch.where(keep, zero if a is None else a, zero if b is None else b)
