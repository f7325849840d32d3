"""Numbers of known features: the ideal of an even sphere, a rank, the distances of pairs."""

import pytest
import torch
from torch.nn import functional as F

from likeness.doctor.embedding_spread import directions, pairs, spread
from likeness.represent.sphere import ideal_uniformity


def test_an_even_sphere_has_the_ideal_uniformity_within_its_sampling_error() -> None:
    for d in (2, 3, 16):
        found = [spread(F.normalize(torch.randn(1000, d), dim=1)).numbers["gap to the ideal"] for _ in range(5)]
        mean, error = torch.tensor(found).mean(), torch.tensor(found).std() / 5**0.5
        assert abs(float(mean)) < 4 * float(error) + 1e-3
    assert spread(torch.randn(50, 16)).numbers["ideal uniformity"] == ideal_uniformity(16)


def test_collapse_has_uniformity_zero_rank_zero_and_no_chart() -> None:
    part = spread(torch.ones(40, 5))
    assert part.numbers["uniformity"] == pytest.approx(0, abs=1e-5)
    assert part.numbers["effective rank"] == 0
    assert not part.charts
    assert "same vector" in part.findings[0].saw


def test_an_offset_is_told_apart_from_a_collapse_with_nothing_left() -> None:
    offset = spread(torch.ones(300, 8) * 10 + torch.randn(300, 8))
    assert "subtract the mean" in offset.findings[0].remedy
    line = spread(torch.ones(300, 8) * 10 + torch.randn(300, 1) * torch.ones(300, 8).cumsum(1) / 8)
    assert "subtract the mean" not in line.findings[0].remedy


def test_the_column_that_dominates_is_named() -> None:
    z = torch.randn(300, 8)
    z[:, 3] *= 12
    assert "column 3 alone" in spread(z).findings[0].saw
    turned = spread(z @ torch.linalg.qr(torch.randn(8, 8))[0])
    assert "no single column" in turned.findings[0].saw


def test_directions_that_hold_a_share() -> None:
    assert directions(torch.tensor([8.0, 1.0, 1.0]), 0.8) == 1
    assert directions(torch.tensor([8.0, 1.0, 1.0]), 0.95) == 3
    assert directions(torch.zeros(3), 0.95) == 0


def test_few_rows_are_said() -> None:
    assert any("at most 9 directions" in w for w in spread(torch.randn(10, 40)).words)


def test_pairs_of_known_distance() -> None:
    a = F.normalize(torch.randn(400, 64), dim=1)
    b = F.normalize(a + 0.3 * F.normalize(torch.randn(400, 64), dim=1), dim=1)
    part = pairs(a, b)
    assert part.numbers["alignment (pairs)"][0] == pytest.approx(0.084, abs=0.01)
    assert part.numbers["alignment (random rows)"][0] == pytest.approx(2, abs=0.05)
    assert part.numbers["partner is nearest"] == 1
    assert not part.findings
