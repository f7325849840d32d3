import pytest
import torch

from likeness.errors import InputError
from likeness.judge.c2st import c2st, normal_test

LAPLACE = torch.distributions.Laplace(0.0, 0.5**0.5)
NORMAL = torch.distributions.Normal(0.0, 1.0)


@pytest.mark.parametrize(
    "other", [torch.distributions.Normal(1.0, 1.0), torch.distributions.Normal(0.0, 2.0), LAPLACE], ids=str
)
def test_it_sees_mean_variance_and_shape(other):
    found = c2st(NORMAL.sample((4000, 1)), other.sample((4000, 1)))
    assert found.z > 3
    assert found.p < 0.01
    assert found.accuracy[1] > 0.5


def test_it_sees_nothing_where_there_is_nothing():
    p = torch.tensor([c2st(torch.randn(200, 3), torch.randn(200, 3), seed=s).p for s in range(20)])
    assert (p < 0.05).sum() <= 4
    assert 0.25 < p.mean() < 0.75


def test_far_sets_are_told_apart():
    found = c2st(torch.randn(100, 2), torch.randn(100, 2) + 20)
    assert found.accuracy[0] >= 0.97
    assert found.n == 100


def test_the_normal_test():
    assert normal_test(0.5, 100) == (0, 0.5)
    z, p = normal_test(0.6, 100)
    assert (z, p) == pytest.approx((2, 0.02275), rel=1e-3)


def test_too_few():
    with pytest.raises(InputError, match="9 samples are too few"):
        c2st(torch.randn(9, 2), torch.randn(50, 2))
