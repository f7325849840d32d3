"""What the card measures without training is exact, and each verdict can fail."""

import pytest

from likeness.papers.card import SCALES, verdict
from likeness.papers.tweedie import BUDGETS, CARD, SIGMAS, between, formula, identity, levels

GOOD = {
    "formula": 1e-15,
    "covariance": 1e-15,
    "mse.raw": 0.25,
    "mse.mean": 0.18,
    "mse.mode": 0.2,
    "between.mean": 0.1,
    "between.mode": 0.96,
    "between.density": 1e-4,
    "gap.errors": 1.0,
    "0.02.data": 11.0,
    "1.data": 0.13,
    "0.5.data": 0.35,
    "0.1.data": 0.8,
    "1.bias": 37.0,
    "0.02.bias": 1e-5,
    "0.5.box": 5.0,
    "1.box": 1.0,
    "0.1.box": 8.0,
    "0.02.box": 16.0,
    "digits.network": 0.03,
    "digits.wiener": 0.04,
    "digits.half": 0.045,
    "draws.frechet": 15.0,
    "pixels.frechet": 70.0,
}
BAD = {
    "formula": 1e-6,
    "covariance": 1e-6,
    "mse.mean": 0.3,
    "mse.mode": 0.1,
    "between.mode": 0.1,
    "between.density": 0.9,
    "gap.errors": 6.0,
    "0.02.data": 0.2,
    "1.bias": 1e-4,
    "0.5.box": 0.1,
    "digits.network": 0.043,
    "digits.wiener": 0.02,
    "draws.frechet": 80.0,
}


def test_the_formula_holds_and_the_mean_is_not_the_highest_point() -> None:
    found = formula(3, n=1000)
    assert max(found["formula"], found["covariance"]) < 1e-12
    assert found["mse.mean"] < min(found["mse.raw"], found["mse.mode"])
    assert between()["between.density"] < 0.01


def test_denoising_is_a_constant_above_the_fisher_divergence() -> None:
    found = identity(20_000, 0)
    assert found["gap.errors"] < 4
    assert abs(found["gap"] - found["gap.constant"]) < 0.2


def test_levels_trade_variance_for_bias() -> None:
    found = levels(150, 0)
    assert set(found) == {f"{s:g}.{k}" for s in SIGMAS for k in ("data", "box", "bias")}
    assert found["0.02.data"] > found["1.data"]
    assert found["1.bias"] > 100 * found["0.02.bias"]


def numbers(**changed: float) -> dict[str, float]:
    keys = {c.key for c in CARD.claims} | {c.baseline for c in CARD.claims if c.baseline}
    return dict.fromkeys(keys, 1.0) | GOOD | changed


def test_good_numbers_pass_at_every_scale() -> None:
    assert all(verdict(CARD, scale, {0: numbers()}, 1.0).passed for scale in SCALES)
    assert set(BUDGETS) == set(SCALES)


@pytest.mark.parametrize("key", BAD)
def test_each_verdict_can_fail(key: str) -> None:
    assert not verdict(CARD, "laptop", {0: numbers(), 1: numbers(**{key: BAD[key]})}, 1.0).passed
