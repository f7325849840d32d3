import pytest
import torch

from likeness.judge.memorisation import memorisation
from likeness.judge.pairs import nearest


def test_fresh_data_score_one_half():
    found = [
        memorisation(nearest(torch.randn(200, 3), train), nearest(torch.randn(200, 3), train))
        for train in (torch.randn(300, 3) for _ in range(100))
    ]
    z = torch.tensor([f.z for f in found])
    assert abs(z.mean()) < 0.4
    assert z.std() == pytest.approx(1, abs=0.2)
    assert sum(f.near for f in found) / 100 == pytest.approx(0.05, abs=0.015)


def test_the_memoriser_scores_one():
    train, fresh = torch.randn(300, 4), torch.randn(200, 4)
    found = memorisation(nearest(train[:200], train), nearest(fresh, train))
    assert found.nearer == pytest.approx((1, 1, 1))
    assert found.z > 10
    assert found.near == 1
    assert found.distance == pytest.approx(0, abs=1e-3)


def test_far_samples_score_zero():
    train = torch.randn(300, 4)
    found = memorisation(nearest(torch.randn(100, 4) + 30, train), nearest(torch.randn(100, 4), train))
    assert found.nearer[0] == 0


def test_copying_now_and_then_is_seen_by_the_near_share():
    train, fresh = torch.randn(500, 6), torch.randn(400, 6)
    mixed = torch.cat((train[:60], torch.randn(240, 6) * 1.3))
    found = memorisation(nearest(mixed, train), nearest(fresh, train))
    assert found.nearer[0] < 0.5
    assert found.near >= 0.2


def test_ties_count_half():
    same = torch.ones(10)
    assert memorisation(same, same).nearer == pytest.approx((0.5, 0.5, 0.5))
    assert memorisation(same, same).near == 0
