"""Inception score, with its two factors apart: sharpness of each sample's class, diversity of the classes.

    S = exp( E_x Σ_y c(y|x) log c(y|x) )                                                 (1)
    D = exp( −Σ_y c(y) log c(y) ),  c(y) = E_x c(y|x)                                    (2)
    IS = S · D = exp( E_x KL( c(y|x) ‖ c(y) ) )  in [1, K] for K classes                 (3)
c is a classifier's softmax, so the score means something only for its classes. It never looks at the real data, and an
over-confident classifier is sharp on noise too. The interval is a percentile bootstrap over samples.

Tim Salimans et al. Improved Techniques for Training GANs. 2016. https://arxiv.org/abs/1606.03498
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.judge.resample import bootstrap_weights, percentiles


class InceptionScore(NamedTuple):
    """The score and its factors, each as (value, low, high)."""

    score: tuple[float, float, float]
    sharpness: tuple[float, float, float]
    diversity: tuple[float, float, float]


def factors(c: Float[Tensor, "n classes"], weights: Float[Tensor, "r n"]) -> tuple[Tensor, Tensor]:
    """Sharpness (1) and diversity (2) of the samples under each row of weights; float64 `(r,)` both."""
    c = c.double()
    marginal = weights @ c
    sharpness = (weights @ torch.xlogy(c, c).sum(1)).exp()  # (1)
    return sharpness, (-torch.xlogy(marginal, marginal).sum(1)).exp()  # (2)


def inception_score(c: Float[Tensor, "n classes"], *, seed: int = 0) -> InceptionScore:
    """The score of class probabilities `c`, rows summing to one."""
    n = len(c)
    whole = torch.full((1, n), 1 / n, dtype=torch.float64)
    weights = torch.cat((whole, bootstrap_weights(n, seed=seed)))
    S, D = factors(c.cpu(), weights)
    return InceptionScore(_interval(S * D), _interval(S), _interval(D))  # (3)


def _interval(values: Tensor) -> tuple[float, float, float]:
    low, high = percentiles(values[1:]).tolist()
    return float(values[0]), low, high
