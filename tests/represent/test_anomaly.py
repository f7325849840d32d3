"""The threshold's false alarms are as promised, on average and in their spread; Gaussian errors score as χ²."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from likeness.errors import InputError
from likeness.represent.anomaly import EncDecAD, squared_error, threshold


@given(n=st.integers(20, 300), rate=st.sampled_from([0.05, 0.1, 0.3]))
@settings(max_examples=15, deadline=None)
def test_false_alarms_are_as_stated_on_average(n: int, rate: float) -> None:
    scores = torch.rand(3000, n, generator=torch.Generator().manual_seed(n))  # the rate above t is 1 − t
    found = [threshold(row, rate) for row in scores[:300]]
    mean = 1 - sum(t.value for t in found) / len(found)
    assert found[0].false_alarms <= rate + 1e-9
    assert abs(mean - found[0].false_alarms) < 5 * (rate / n / 300) ** 0.5 + 1e-3


def test_the_interval_holds_the_rate_as_often_as_it_says() -> None:
    found = [threshold(row, 0.05) for row in torch.rand(2000, 200)]
    inside = sum(t.low <= 1 - t.value <= t.high for t in found) / len(found)
    assert abs(inside - 0.95) < 0.02


def test_the_error_is_summed_over_dimensions() -> None:
    x = torch.zeros(2, 1, 2, 2)
    assert squared_error(x, x + 3).tolist() == [36.0, 36.0]


def test_only_the_order_of_scores_counts() -> None:
    x = torch.randn(99)
    fresh = torch.randn(1000)
    assert torch.equal(threshold(x).flags(fresh), threshold(x.exp()).flags(fresh.exp()))
    assert int(threshold(x).flags(x).sum()) == 4, "of 99 normals the 95th sets the threshold"


def test_too_few_normals_are_refused_and_just_enough_are_not() -> None:
    with pytest.raises(InputError, match="18 held-out normals cannot set a threshold"):
        threshold(torch.rand(18), 0.05)
    x = torch.rand(19)
    assert threshold(x, 0.05).value == float(x.max())
    for rate in (0.0, 1.0):
        with pytest.raises(InputError, match="false-alarm rate"):
            threshold(x, rate)


def test_gaussian_errors_score_as_chi_square() -> None:
    d = 4
    L = torch.randn(d, d)
    errors = torch.randn(20_000, d) @ L.T + torch.arange(d)
    scores = EncDecAD().fit(errors[:10_000]).score(errors[10_000:])
    assert stats.kstest(scores.numpy(), stats.chi2(d).cdf).statistic < 0.02
    assert float(scores.mean()) == pytest.approx(d, rel=0.05)


def test_the_scale_of_a_dimension_does_not_matter() -> None:
    e, scale = torch.randn(100, 3), torch.tensor([1.0, 100.0, 0.01])
    a, b = EncDecAD().fit(e).score(e), EncDecAD().fit(e * scale).score(e * scale)
    torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-4)


def test_more_dimensions_than_errors_are_refused() -> None:
    with pytest.raises(InputError, match="give more than 5"):
        EncDecAD().fit(torch.randn(5, 5))
    assert EncDecAD().fit(torch.cat((torch.randn(9, 1), torch.zeros(9, 1)), 1)).score(torch.zeros(1, 2)).isfinite()
