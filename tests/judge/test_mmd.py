import pytest
import torch

from likeness.errors import InputError
from likeness.judge.kernel import kernel_distance
from likeness.judge.mmd import median_distance, mmd_test

LAPLACE = torch.distributions.Laplace(0.0, 0.5**0.5)


def test_the_null_is_rejected_as_often_as_promised():
    p = torch.tensor([mmd_test(torch.randn(30, 2), torch.randn(30, 2), permutations=99).p for _ in range(300)])
    assert 0.02 <= (p <= 0.05).double().mean() <= 0.085
    assert p.mean() == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize(
    "y", [torch.distributions.Normal(1.0, 1.0), torch.distributions.Normal(0.0, 2.0), LAPLACE], ids=str
)
def test_it_sees_mean_variance_and_shape(y):
    assert mmd_test(torch.randn(1000, 1), y.sample((1000, 1))).p < 0.05


def test_its_statistic_is_the_kernel_distance_with_its_kernel():
    x, y = torch.randn(40, 3), torch.randn(40, 3) + 0.5
    found = mmd_test(x, y)
    pooled = torch.cat((x, y)).double()
    K = torch.exp(-torch.cdist(pooled, pooled).square() / (2 * found.h**2)).fill_diagonal_(0)
    expected = (K[:40, :40].sum() + K[40:, 40:].sum()) / (40 * 39) - 2 * K[:40, 40:].mean()
    assert found.mmd2[0] == pytest.approx(float(expected))
    assert found.mmd2[1] < found.mmd2[0] < found.mmd2[2]
    assert kernel_distance(x, y) != pytest.approx(found.mmd2[0])


def test_the_smallest_p_is_one_over_all_relabellings():
    found = mmd_test(torch.randn(50, 2), torch.randn(50, 2) + 9, permutations=99)
    assert found.p == pytest.approx(0.01)


def test_the_median_heuristic():
    assert median_distance(torch.tensor([[0.0], [1.0], [3.0]])) == 2


def test_one_repeated_sample_is_no_error():
    assert mmd_test(torch.zeros(30, 2), torch.zeros(30, 2)).p == 1


def test_too_few():
    with pytest.raises(InputError, match="19 samples are too few"):
        mmd_test(torch.randn(19, 2), torch.randn(50, 2))
