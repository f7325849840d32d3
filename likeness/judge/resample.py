"""How sure a number is: bootstrap weights for means over samples, a grouped jackknife for the rest.

Bootstrap. A resample of n rows is a vector of counts, so that R resamples of a weighted mean are one matrix product:
    w_r ~ Multinomial(n; 1/n, …, 1/n) / n,   θ_r = Σᵢ w_rᵢ fᵢ                            (1)
Jackknife over g groups of rows, each left out in turn, for statistics that a bootstrap biases (a resample repeats
rows, which looks like a sample of 0.63 n: a Fréchet distance then grows by more than its own error):
    s² = (g − 1)/g Σ_a (θ_(a) − θ̄)²,   θ ± t_{g−1} s                                    (2)
The variance (2) is too large rather than too small on average, also where the statistic is degenerate because the
two distributions agree (Efron and Stein's inequality).

Bradley Efron, Charles Stein. The Jackknife Estimate of Variance. 1981. https://doi.org/10.1214/aos/1176345462
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

LEVEL = 0.95
REPLICATES = 500
GROUPS = 10


def bootstrap_weights(n: int, *, replicates: int = REPLICATES, seed: int = 0) -> Float[Tensor, "r n"]:
    """Weights of `replicates` resamples of `n` rows, each row of the result summing to one; float64."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randint(n, (replicates, n), generator=generator)
    counts = torch.zeros(replicates, n, dtype=torch.float64)
    return counts.scatter_add_(1, drawn, torch.ones_like(drawn, dtype=torch.float64)) / n  # (1)


def percentiles(replicates: Float[Tensor, " r"]) -> Float[Tensor, "2"]:
    """The interval that holds the middle 95 % of the resampled statistics."""
    tails = torch.tensor([(1 - LEVEL) / 2, (1 + LEVEL) / 2], dtype=replicates.dtype, device=replicates.device)
    return replicates.quantile(tails)


def mean_interval(values: Float[Tensor, " n"], *, seed: int = 0) -> tuple[float, float, float]:
    """The mean of one number per sample with its percentile bootstrap interval: value, low, high."""
    weights = bootstrap_weights(len(values), seed=seed)
    low, high = percentiles(weights @ values.double().cpu()).tolist()
    return float(values.double().mean()), low, high


def groups_of(n: int, *, groups: int = GROUPS) -> Int[Tensor, " n"]:
    """The group of each of `n` rows: `groups` runs of as equal a length as possible."""
    return torch.arange(n) * groups // n


def jackknife_interval(
    value: float, left_out: Float[Tensor, " g"], *, lowest: float = -math.inf, highest: float = math.inf
) -> tuple[float, float, float]:
    """`value` with the interval (2) from the statistics with each group left out, cut at the ends of its range."""
    from scipy.special import stdtrit

    g = len(left_out)
    s = float(((g - 1) * left_out.var(correction=0)).sqrt())  # (2)
    reach = float(stdtrit(g - 1, (1 + LEVEL) / 2)) * s
    return value, max(lowest, value - reach), min(highest, value + reach)
