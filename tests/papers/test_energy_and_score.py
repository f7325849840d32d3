"""Each verdict of the card can fail, and every row that must hold is measured."""

import pytest

from likeness.papers.card import SCALES, verdict
from likeness.papers.energy_and_score import BUDGETS, CARD

GOOD = {
    "constant": 0.0,
    "mean.errors": 1.0,
    "fisher.exact.errors": 1.0,
    "fisher.sliced.errors": 1.0,
    "gaussian.A": 0.01,
    "gaussian.b": 0.01,
    "gaussian.sample": 1e-5,
    "growth.exact": 60.0,
    "growth.sliced": 1.5,
    "far.std": 0.82,
    "far.std.theory": 0.816,
    "far.share": 0.47,
    "far.share.late": 0.45,
    "far.rhat": 3.0,
    "far.flagged": 1.0,
    "still.std": 0.0,
    "near.share": 0.21,
    "near.share.true": 0.205,
    "near.covariance": 0.02,
    "near.rhat": 1.05,
    "fine.share": 0.21,
    "fine.std": 0.82,
    "energy.error": 0.004,
    "score.error": 0.003,
    "energy.curl": 1e-7,
    "score.curl": 0.02,
    "energy.cost": 1.9,
    "naive.half": -100.0,
    "naive.last": -900.0,
    "naive.before": 2.0,
    "naive.after": 1000.0,
}
BAD = {
    "constant": 1e-6,
    "mean.errors": 5.0,
    "fisher.exact.errors": 5.0,
    "fisher.sliced.errors": 5.0,
    "gaussian.A": 0.1,
    "gaussian.b": 0.1,
    "growth.sliced": 20.0,
    "far.std": 0.9,
    "far.share": 0.25,
    "far.share.late": 0.25,
    "far.rhat": 1.05,
    "far.flagged": 0.0,
    "still.std": 0.1,
    "near.share": 0.25,
    "near.covariance": 0.2,
    "near.rhat": 1.2,
    "fine.share": 0.25,
    "fine.std": 0.9,
    "energy.error": 0.1,
    "energy.curl": 0.01,
    "score.curl": 1e-5,
    "energy.cost": 1.0,
    "naive.half": -800.0,
    "naive.after": 1.0,
}


def numbers(**changed: float) -> dict[str, float]:
    keys = {c.key for c in CARD.claims} | {c.baseline for c in CARD.claims if c.baseline}
    return dict.fromkeys(keys, 1.0) | GOOD | changed


def test_good_numbers_pass_at_every_scale() -> None:
    assert all(verdict(CARD, scale, {0: numbers()}, 1.0).passed for scale in SCALES)
    assert set(BUDGETS) == set(SCALES)


@pytest.mark.parametrize("key", BAD)
def test_each_verdict_can_fail(key: str) -> None:
    assert not verdict(CARD, "laptop", {0: numbers(), 1: numbers(**{key: BAD[key]})}, 1.0).passed
