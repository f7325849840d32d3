"""Ratios of constants that are known come out, from both sides; the transitions leave their law as it is."""

import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from likeness.annealing import Bridge, annealed, log_mean_weight, schedule, tuned
from likeness.errors import InputError
from likeness.sampling import Streams

M = 2000


def normal(mean: float, std: float, constant: float = 0.0):
    """log density of N(mean, std²) in 3 dimensions, times e^constant, without its own constant."""
    return lambda x: constant - ((x - mean) / std).square().sum(1) / 2


FIRST, LAST = normal(0, 1), normal(2, 0.5, constant=1.0)
RATIO = 1.0 + 3 * math.log(0.5)  # log Z₁/Z₀
BRIDGE = Bridge(FIRST, LAST)


def walked(T: int, back: bool = False) -> tuple[Tensor, Tensor]:
    source, betas = Streams(1), schedule(T)
    sizes = tuned(BRIDGE, source.normal(M, 3), betas, source.split("trial"), leapfrogs=5)
    noise = source.normal(M, 3)
    if back:
        return annealed(BRIDGE, 2 + noise / 2, betas[::-1], sizes.flip(0), source.split("back"), leapfrogs=5)
    return annealed(BRIDGE, noise, betas, sizes, source.split("there"), leapfrogs=5)


def test_the_weights_average_to_the_ratio_and_their_logarithms_stay_below() -> None:
    _, log_w = walked(20)
    assert float(log_mean_weight(log_w[None])) == pytest.approx(RATIO, abs=0.1)
    assert float(log_w.mean()) < RATIO - 0.05


def test_the_way_back_bounds_from_above_and_longer_ways_are_tighter() -> None:
    gaps = {T: float((-walked(T, back=True)[1]).mean() - walked(T)[1].mean()) for T in (10, 60)}
    assert float((-walked(60, back=True)[1]).mean()) > RATIO > float(walked(60)[1].mean())
    assert 0 < gaps[60] < 0.4 * gaps[10]


def test_chains_end_where_the_last_law_is() -> None:
    x, _ = walked(100)
    assert (x.mean(0) - 2).abs().max() < 0.06
    assert (x.std(0) - 0.5).abs().max() < 0.04


def test_a_row_depends_on_itself_alone() -> None:
    sizes = torch.full((6, 10), 0.2)
    _, whole = annealed(BRIDGE, Streams(3).normal(10, 3), schedule(5), sizes, Streams(4))
    _, part = annealed(BRIDGE, Streams(3, 4).normal(6, 3), schedule(5), sizes[:, 4:], Streams(4, 4))
    torch.testing.assert_close(part, whole[4:])


def test_the_schedule_goes_from_one_end_to_the_other() -> None:
    betas = schedule(10)
    assert (betas[0], betas[-1]) == (0, 1)
    assert all(a < b for a, b in pairwise(betas))
    assert betas[1] - betas[0] < betas[5] - betas[4]
    with pytest.raises(InputError, match="0 temperatures"):
        schedule(0)
