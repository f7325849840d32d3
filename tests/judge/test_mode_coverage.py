import math

import pytest
import torch

from likeness.judge.mode_coverage import mode_coverage, occupancy_kl

MODES = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])


def test_all_modes_in_their_proportions():
    x = MODES.repeat(100, 1) + 0.1 * torch.randn(400, 2)
    found = mode_coverage(x, MODES, 0.1)
    assert found.recovered[0] == found.known == 4
    assert found.high_quality[0] == pytest.approx(1 - math.exp(-8), abs=0.005)  # within 4 σ in the plane
    assert found.kl[0] == pytest.approx(0, abs=1e-3)


def test_half_the_modes_cost_log_two():
    found = mode_coverage(MODES[:2].repeat(50, 1), MODES, 0.1)
    assert found.recovered[0] == 2
    assert found.kl[0] == pytest.approx(math.log(2))


def test_samples_between_modes_recover_nothing():
    found = mode_coverage(torch.full((50, 2), 5.0), MODES, 0.1)
    assert (found.recovered[0], found.high_quality[0], found.kl[0]) == (0, 0, 0)


def test_the_edge_of_high_quality_is_four_standard_deviations():
    x = torch.tensor([[0.39, 0.0], [0.41, 0.0]]).repeat(20, 1)
    assert mode_coverage(x, MODES, 0.1).high_quality[0] == 0.5


def test_unequal_weights():
    w = torch.tensor([0.7, 0.1, 0.1, 0.1], dtype=torch.float64)
    assert occupancy_kl(w * 1000, w) == pytest.approx(0, abs=1e-12)
    assert occupancy_kl(torch.tensor([1.0, 0, 0, 0]).double(), w) == pytest.approx(-math.log(0.7))


def test_interval_holds_the_value():
    x = torch.cat((MODES[:3].repeat(30, 1), MODES[3:]))
    found = mode_coverage(x, MODES, 0.1)
    for value, low, high in found[:3]:
        assert low <= value <= high
    assert found.recovered == (4, 3, 4)
