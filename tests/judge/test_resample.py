import pytest
import torch

from likeness.judge.resample import bootstrap_weights, groups_of, jackknife_interval, mean_interval


def test_weights_are_resamples():
    w = bootstrap_weights(30, replicates=2000)
    assert torch.allclose(w.sum(1), torch.ones(2000, dtype=torch.float64))
    assert torch.equal((w * 30).round(), w * 30)
    assert (w == 0).double().mean() == pytest.approx((1 - 1 / 30) ** 30, abs=0.01)


def test_interval_of_a_mean_has_the_width_of_its_standard_error():
    x = torch.randn(1000)
    value, low, high = mean_interval(x)
    assert value == pytest.approx(float(x.double().mean()))
    assert high - low == pytest.approx(2 * 1.96 * float(x.std()) / 1000**0.5, rel=0.1)


def test_jackknife_of_a_mean_is_its_standard_error():
    x = torch.randn(12, dtype=torch.float64)
    left_out = (x.sum() - x) / 11
    _, low, high = jackknife_interval(float(x.mean()), left_out)
    assert (high - low) / 2 == pytest.approx(2.2010 * float(x.std()) / 12**0.5, rel=1e-4)  # t with 11 degrees


def test_groups_are_runs_of_equal_length():
    assert torch.bincount(groups_of(103)).tolist() == [11, 10, 10, 11, 10, 10, 11, 10, 10, 10]
    assert groups_of(103).diff().min() >= 0
