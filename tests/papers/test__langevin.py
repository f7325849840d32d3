"""Chains of the card at small size, and what is counted of draws that are right."""

import torch

from likeness.papers._langevin import CLAIMS, SMALL, STD, THEORY, levels, measure, small, two, within
from likeness.sampling import Streams


def test_the_truth_is_counted_as_such() -> None:
    x = two(2.5).sample(50_000, generator=0)
    assert abs(small(x) - SMALL) < 0.01
    assert abs(within(x) / STD - 1) < 0.02
    assert 0.816 < THEORY < 0.817


def test_far_modes_are_wrong_and_told_and_near_ones_right() -> None:
    found = measure(500, 1000, 0)
    assert set(found) >= {c.key for c in CLAIMS} | {c.baseline for c in CLAIMS if c.baseline}
    assert found["far.share"] > 0.4
    assert found["far.flagged"] == 1
    assert found["still.std"] < 1e-3
    assert found["near.rhat"] < found["far.rhat"]
    assert abs(found["near.share"] - found["near.share.true"]) < 0.06


def test_one_mode_has_the_right_spread_at_every_level() -> None:
    """With a single Gaussian nothing is left to cross to."""
    truth = two(0.0)
    found = levels(truth, 4000, Streams(0))
    x = truth.sample(200_000, generator=0)
    assert abs(found["fine.std"] / within(x) - 1) < 0.06
    assert abs(found["fine.share"] - small(x)) < 0.03
    assert torch.tensor(list(found.values())).isfinite().all()
