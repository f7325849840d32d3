"""Spectra whose rank is known, hubs that come with dimension, Gaussians whose discriminant ratio is a closed form."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import skew

from likeness.errors import InputError
from likeness.represent import measures as m


def with_spectrum(values: list[float], n: int = 50) -> torch.Tensor:
    """Centred rows whose covariance has these eigenvalues exactly."""
    d = len(values)
    x = torch.randn(n, d, dtype=torch.float64)
    basis, _ = torch.linalg.qr(x - x.mean(0))
    turn, _ = torch.linalg.qr(torch.randn(d, d, dtype=torch.float64))
    return (basis * torch.tensor(values, dtype=torch.float64).sqrt() * math.sqrt(n - 1)) @ turn


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0.01, 100), min_size=2, max_size=6))
def test_effective_rank_is_the_exponential_of_the_entropy(values: list[float]) -> None:
    found = m.spectrum(with_spectrum(values).float() + 3)
    np.testing.assert_allclose(found, sorted(values, reverse=True), rtol=1e-3, atol=1e-4)
    p = np.sqrt(values) / np.sqrt(values).sum()
    assert m.effective_rank(found) == pytest.approx(math.exp(-(p * np.log(p)).sum()), rel=1e-3)
    assert 1 <= m.participation_ratio(found) <= m.effective_rank(found) + 1e-6


def test_r_equal_directions_of_d_have_rank_r_and_none_has_rank_zero() -> None:
    for r in (1, 3, 8):
        found = m.spectrum(with_spectrum([2.0] * r + [0.0] * (8 - r)).float())
        assert m.effective_rank(found) == pytest.approx(r, rel=1e-4)
        assert m.participation_ratio(found) == pytest.approx(r, rel=1e-4)
    same = torch.randn(1, 8).expand(20, 8) * 1000
    assert m.effective_rank(m.spectrum(same)) == m.participation_ratio(m.spectrum(same)) == 0
    with pytest.raises(InputError, match="1 rows"):
        m.spectrum(torch.randn(1, 3))


def test_rotation_and_scale_change_neither_rank_nor_anisotropy() -> None:
    z = torch.randn(200, 6) * torch.arange(1, 7) + 1
    turn, _ = torch.linalg.qr(torch.randn(6, 6))
    for other in (z @ turn, 7 * z):
        assert m.effective_rank(m.spectrum(other)) == pytest.approx(m.effective_rank(m.spectrum(z)), rel=1e-4)
        assert m.anisotropy(other) == pytest.approx(m.anisotropy(z), abs=1e-5)


def test_anisotropy_is_the_mean_over_a_slow_double_loop() -> None:
    z = torch.randn(12, 4) + 0.5
    u = torch.nn.functional.normalize(z, dim=1)
    slow = [float(u[i] @ u[j]) for i in range(12) for j in range(12) if i != j]
    assert m.anisotropy(z) == pytest.approx(sum(slow) / len(slow), abs=1e-6)
    assert m.anisotropy(torch.eye(5)) == pytest.approx(0, abs=1e-12)
    assert m.anisotropy(torch.tensor([[1.0, 2.0]]).expand(4, 2)) == pytest.approx(1)


def test_constant_columns_and_duplicated_rows() -> None:
    z = torch.randn(10, 4)
    z[:, 2] = 7
    z[6], z[9] = z[1], z[1]
    assert m.constant_columns(z).tolist() == [False, False, True, False]
    assert m.duplicates(z).nonzero().flatten().tolist() == [6, 9]


def test_occurrence_counts_and_skewness_is_scipys() -> None:
    index = m.nearest(torch.randn(60, 3), 4).place
    counts = m.occurrence(index)
    assert int(counts.sum()) == 240
    assert counts.tolist() == [int((index == i).sum()) for i in range(60)]
    assert m.skewness(counts) == pytest.approx(skew(counts.numpy()))
    assert m.skewness(torch.full((9,), 4)) == 0


def test_hubs_come_with_dimension() -> None:
    found = [m.hubness(torch.randn(1500, d), cosine=False) for d in (3, 20, 100)]
    assert found[0] < 0.7 < found[1] < found[2]
    assert found[2] > 3


def test_discriminant_ratio_of_two_gaussians() -> None:
    a, b = torch.tensor([1.0, 2.0, 0.5]), torch.tensor([0.3, 1.0, 1.0])
    mean, n = torch.tensor([2.0, -1.0, 0.0]), 40_000
    z = torch.cat((torch.randn(n, 3) * a, torch.randn(n, 3) * b + mean))
    y = torch.arange(2).repeat_interleave(n)
    exact = float(mean.square().sum() / (a.square().sum() + b.square().sum()))
    found = m.linear_discriminant_ratio(z, y)
    assert float(found[0, 1]) == pytest.approx(exact, rel=0.03)
    assert found.diagonal().tolist() == [0, 0]
    assert torch.allclose(found, found.T)
    assert torch.allclose(m.linear_discriminant_ratio(3 * z + 1, y), found, rtol=1e-3)


def test_spread_within_classes() -> None:
    y = torch.arange(4).repeat(50)
    points = torch.eye(4)[y]
    assert m.within_share(points, y) == pytest.approx(0, abs=1e-12)
    assert torch.isinf(m.linear_discriminant_ratio(points, y)[0, 1])
    noise = torch.randn(200, 5)
    assert m.within_share(noise, y) > 0.95
    assert m.within_share(noise, torch.zeros(200).long()) == pytest.approx(1)
    assert m.within_share(torch.ones(200, 2), y) == 1
    gap = m.classes(noise, y * 2)
    assert gap.size.tolist() == [50, 0, 50, 0, 50, 0, 50]
    assert bool(gap.mean[1].isnan().all())
