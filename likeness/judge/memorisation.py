"""Memorisation: are the samples nearer to the training data than fresh real data are?

With d(z) the distance of z to its nearest training sample, samples y and fresh real data x (neither trained on):
    A = P( d(y) < d(x) ) + ½ P( d(y) = d(x) )                                            (1)
    C = (A − ½) / s,   s² = (n + m + 1) / 12nm                                           (2)
A is ½ for fresh data, 1 for a model that returns its training data, 0 for one that never comes near it. (2) is the
Mann-Whitney statistic, standard normal where y is as fresh as x (the paper's C_T over one cell, its sign reversed).
`near` is the share of samples nearer to a training sample than all but 5 % of fresh data: .05 for fresh data, and it
sees a model that copies now and then. A model that draws only typical samples also comes nearer than fresh data do.

Casey Meehan, Kamalika Chaudhuri, Sanjoy Dasgupta. A Non-Parametric Test to Detect Data-Copying in Generative Models.
2020. https://arxiv.org/abs/2004.05675
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.judge.resample import mean_interval

NEAR = 0.05


class Memorisation(NamedTuple):
    """A as (value, low, high), its standard score C, the share `near`, and the median distances of both sets."""

    nearer: tuple[float, float, float]
    z: float
    near: float
    distance: float
    fresh_distance: float


def memorisation(sample: Float[Tensor, " n"], fresh: Float[Tensor, " m"], *, seed: int = 0) -> Memorisation:
    """The test, from the distances of samples and of fresh data to their nearest training sample.

    The interval is a percentile bootstrap over the samples, the fresh data being given.
    """
    n, m = len(sample), len(fresh)
    sample, fresh = sample.double().cpu(), fresh.double().cpu().sort().values
    above = m - torch.searchsorted(fresh, sample, right=True)
    ties = torch.searchsorted(fresh, sample, right=True) - torch.searchsorted(fresh, sample)
    nearer = (above + ties / 2) / m  # (1)
    z = (float(nearer.mean()) - 0.5) / ((n + m + 1) / (12 * n * m)) ** 0.5  # (2)
    near = float((sample < fresh.quantile(NEAR)).double().mean())
    return Memorisation(mean_interval(nearer, seed=seed), z, near, float(sample.median()), float(fresh.median()))
