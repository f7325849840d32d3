import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from likeness.refine import calibration as c

floats = st.lists(st.floats(-30, 30, width=32), min_size=1, max_size=40).map(torch.tensor)


def both(n: int, slope: float = 1.0, offset: float = 0.0, at: float = 0.5) -> tuple[torch.Tensor, torch.Tensor]:
    """True log ratios of N(at, 1) against N(-at, 1), d = 2 at x, distorted by a slope and an offset."""
    x = torch.randn(2, n, dtype=torch.double) + torch.tensor([[at], [-at]])
    d = (2 * at * x - offset) / slope
    return d[0], d[1]


def test_parity_with_scikit_learn() -> None:
    real, fake = both(3000)
    y, p = np.repeat([1, 0], 3000), torch.cat((real, fake)).sigmoid().numpy()
    assert float(c.log_loss(real, fake)) == pytest.approx(log_loss(y, p), rel=1e-9)
    assert float(c.brier(real, fake)) == pytest.approx(brier_score_loss(y, p), rel=1e-9)
    assert float(c.auc(real, fake)) == pytest.approx(roc_auc_score(y, p), rel=1e-9)
    observed, predicted = calibration_curve(y, p, n_bins=10)
    points = c.curve(real, fake)
    np.testing.assert_allclose(points[:, 0], predicted, rtol=1e-9)
    np.testing.assert_allclose(points[:, 1], observed, rtol=1e-9)


@given(floats, floats)
def test_classes_count_one_half_each(real: torch.Tensor, fake: torch.Tensor) -> None:
    assert c.log_loss(real.repeat(3), fake) == pytest.approx(float(c.log_loss(real, fake)), rel=1e-5, abs=1e-6)
    assert float(c.curve(real, fake)[:, 2].sum()) == pytest.approx(1)
    assert float(c.auc(real, fake) + c.auc(fake, real)) == pytest.approx(1)
    assert 0 <= float(c.expected_calibration_error(c.curve(real, fake))) <= 1


def test_a_coin() -> None:
    even = torch.zeros(5)
    assert float(c.log_loss(even, even)) == pytest.approx(math.log(2))
    assert float(c.brier(even, even)) == 0.25
    assert float(c.auc(even, even)) == 0.5


@pytest.mark.parametrize(("slope", "offset"), [(1.0, 0.0), (3.0, 0.5), (0.2, -2.0)])
def test_platt_undoes_a_slope_and_an_offset(slope: float, offset: float) -> None:
    a, b = c.platt(*both(40_000, slope, offset))
    assert a == pytest.approx(slope, rel=0.04)
    assert b == pytest.approx(offset, abs=0.05)


def test_platt_is_finite_for_separable_sets_and_never_turns_a_score_round() -> None:
    a, b = c.platt(torch.full((50,), 5.0), torch.full((50,), -5.0))
    p = 1 / (1 + math.exp(-(5 * a + b)))
    assert p == pytest.approx(51 / 52, abs=1e-3)
    assert c.platt(*reversed(both(500)))[0] == 0


def test_a_true_ratio_measures_well() -> None:
    facts = c.measure(*both(20_000), 1.0, 0.0)
    assert facts.ece < 0.015
    assert facts.normaliser == pytest.approx(0, abs=0.2)
    assert facts.findings == ()
    assert sum(point.share for point in facts.curve) == pytest.approx(1)


def test_the_share_that_the_model_leaves_out() -> None:
    facts = c.measure(*both(20_000, at=1.0), 1.0, 0.0)
    assert facts.missing == pytest.approx(norm.sf(math.log(100) / 2 - 1), abs=0.01)
    assert [f.code for f in facts.findings] == ["missing-regions"]


def test_what_is_wrong_is_said() -> None:
    real, fake = both(5000)
    assert "poor-calibration" in [f.code for f in c.measure(real, fake, 4.0, 0.0).findings]
    assert [f.code for f in c.measure(real + 9, fake - 9, 1.0, 0.0).findings] == ["separable-supports"]
    same = torch.randn(5000) * 0.01
    assert [f.code for f in c.measure(same, same, 1.0, 0.0).findings] == ["blind-ratio"]
