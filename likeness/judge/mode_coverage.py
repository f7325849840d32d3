"""Modes: how many of a known mixture's components are found, how cleanly, and in which proportions.

A sample belongs to its nearest mode and is of high quality within 4 standard deviations of it. A mode is recovered
when a high-quality sample falls on it. With q the shares of the high-quality samples and w the true weights:
    KL(q ‖ w) = Σᵢ qᵢ log(qᵢ / wᵢ)   in nats                                             (1)

Samaneh Azadi et al. Discriminator Rejection Sampling. 2019. https://arxiv.org/abs/1810.06758
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.judge.resample import bootstrap_weights, mean_interval, percentiles

REACH = 4.0


class Modes(NamedTuple):
    """Modes recovered, share of high quality, KL of the occupancy, each as (value, low, high); how many are known."""

    recovered: tuple[float, float, float]
    high_quality: tuple[float, float, float]
    kl: tuple[float, float, float]
    known: int


def occupancy_kl(counts: Float[Tensor, "*r k"], weights: Float[Tensor, " k"]) -> Float[Tensor, "*r"]:
    """(1) for each row of counts; zero rows give zero."""
    q = counts / counts.sum(-1, keepdim=True).clamp(min=torch.finfo(counts.dtype).tiny)
    return (torch.xlogy(q, q) - torch.xlogy(q, weights)).sum(-1)  # (1)


def mode_coverage(
    x: Float[Tensor, "n d"],
    modes: Float[Tensor, "k d"],
    std: float,
    weights: Float[Tensor, " k"] | None = None,
    *,
    seed: int = 0,
) -> Modes:
    """How samples lie on the modes; weights are equal where none are given. Intervals are percentile bootstraps."""
    x, modes = x.double().cpu(), modes.double().cpu()
    k = len(modes)
    w = torch.full((k,), 1 / k, dtype=torch.float64) if weights is None else weights.double().cpu()
    distance, mode = torch.cdist(x, modes).min(1)
    good = (distance <= REACH * std).double()
    on = torch.nn.functional.one_hot(mode, k).double() * good[:, None]
    resampled = bootstrap_weights(len(x), seed=seed) @ on
    return Modes(
        _interval((on.sum(0) > 0).sum(), (resampled > 0).sum(1).double()),
        mean_interval(good, seed=seed),
        _interval(occupancy_kl(on.sum(0), w), occupancy_kl(resampled, w)),
        k,
    )


def _interval(value: Tensor, replicates: Tensor) -> tuple[float, float, float]:
    low, high = percentiles(replicates).tolist()
    return float(value), min(low, float(value)), max(high, float(value))  # a resample can only lose modes
