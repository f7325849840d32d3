import pytest
import torch
from torch import nn

from likeness.errors import InputError
from likeness.judge.kernel import kernel_distance, kernel_interval, subsets
from likeness.judge.pairs import between, within


def interval(x, y):
    a, b = within(x), within(y)
    return kernel_interval(a.sums, b.sums, between(x, y, a, b).sums, len(x), len(y))


def test_it_equals_the_sum_over_pairs():
    x, y = torch.randn(30, 4).double(), torch.randn(21, 4).double() + 0.5
    k = lambda a, b: (a @ b.T / 4 + 1) ** 3  # noqa: E731
    xx, yy = k(x, x).fill_diagonal_(0).sum() / (30 * 29), k(y, y).fill_diagonal_(0).sum() / (21 * 20)
    assert kernel_distance(x, y) == pytest.approx(float(xx + yy - 2 * k(x, y).mean()), rel=1e-9)


def test_it_has_no_bias():
    values = torch.tensor([kernel_distance(torch.randn(40, 8), torch.randn(40, 8)) for _ in range(300)])
    assert abs(values.mean()) < 3 * values.std() / 300**0.5
    assert values.min() < 0


def test_moments_in_closed_form():
    """For x ~ δ_a and y ~ δ_b all sums are known."""
    x, y = torch.full((20, 1), 1.0), torch.full((20, 1), 2.0)
    assert kernel_distance(x, y) == pytest.approx(2**3 + 5**3 - 2 * 3**3)


def test_leaving_a_group_out_is_the_distance_of_the_rest():
    x, y = torch.randn(40, 3), torch.randn(40, 3) + 1
    rest = torch.tensor([kernel_distance(x[i], y[i]) for i in (torch.arange(40) // 4 != a for a in range(10))])
    value, low, high = interval(x, y)
    spread = (9 * rest.var(correction=0)) ** 0.5 * 2.2622  # t with 9 degrees of freedom
    assert value == pytest.approx(kernel_distance(x, y))
    assert (high - low) / 2 == pytest.approx(float(spread), rel=1e-3)


@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_interval_covers(shift):
    found = [interval(torch.randn(100, 4), torch.randn(100, 4) + shift) for _ in range(200)]
    mean = sum(f[0] for f in found) / 200
    assert sum(low <= mean <= high for _, low, high in found) >= 180


def torchmetrics_kid(x, y, **how):
    from torchmetrics.image.kid import KernelInceptionDistance

    metric = KernelInceptionDistance(feature=nn.Identity(), **how)
    metric.update(x, real=True)
    metric.update(y, real=False)
    return metric.compute()


def test_parity_with_torchmetrics_on_the_full_set():
    x, y = torch.randn(400, 32).double(), torch.randn(400, 32).double() + 0.2
    theirs, _ = torchmetrics_kid(x, y, subsets=1, subset_size=400)
    assert kernel_distance(x, y) == pytest.approx(float(theirs), rel=1e-4)


def test_parity_with_torchmetrics_by_subsets():
    x, y = torch.randn(300, 16).double(), torch.randn(300, 16).double() * 1.1
    torch.manual_seed(7)
    mean, std = torchmetrics_kid(x, y, subsets=20, subset_size=100)
    ours = subsets(x, y, count=20, size=100, seed=7)
    assert ours == pytest.approx((float(mean), float(std)), rel=1e-4)


def test_subsets_larger_than_the_set():
    with pytest.raises(InputError, match="subsets of 1000 from 30 samples"):
        subsets(torch.randn(30, 2), torch.randn(40, 2))
