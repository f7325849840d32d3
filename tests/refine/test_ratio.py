import math

import pytest
import torch
from torch import nn

from likeness.errors import InputError
from likeness.refine import DensityRatio, calibrate
from likeness.refine.ratio import Fit, as_ratio


def test_batches_make_one_tensor_without_gradients() -> None:
    sizes = []

    def logit(x: torch.Tensor) -> torch.Tensor:
        sizes.append(len(x))
        return x.sum(1)

    x = torch.randn(10, 3)
    d = DensityRatio(logit, batch_size=4)(x)
    assert torch.equal(d, x.sum(1))
    assert sizes == [4, 4, 2]


def test_differentiable_where_asked() -> None:
    x = torch.randn(5, 3, requires_grad=True)
    D = nn.Linear(3, 1)
    DensityRatio(D)(x).sum().backward()
    assert torch.allclose(x.grad, D.weight.expand(5, 3))
    with torch.no_grad():
        assert not DensityRatio(D)(x).requires_grad
    assert not DensityRatio(D)(x.detach()).requires_grad


def test_modules_are_evaluated_as_such_and_left_as_they_were() -> None:
    D = nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.5), nn.BatchNorm1d(8), nn.Linear(8, 1)).train()
    D[1].eval()
    x = torch.randn(6, 3)
    ratio = DensityRatio(D)
    assert torch.equal(ratio(x), ratio(x))
    assert torch.allclose(ratio(x)[:2], ratio(x[:2]), atol=1e-6)
    assert [m.training for m in D] == [True, False, True, True]
    assert int(D[2].num_batches_tracked) == 0


def test_shapes_are_checked() -> None:
    x = torch.randn(4, 2)
    assert DensityRatio(lambda x: x[:, :1])(x).shape == (4,)
    with pytest.raises(InputError, match=r"shape \(4, 2\) for 4 samples"):
        DensityRatio(lambda x: x)(x)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_logits_that_are_no_numbers_are_named(bad: float) -> None:
    with pytest.raises(InputError, match=f"gave {bad} for 1 of 3"):
        DensityRatio(lambda x: torch.tensor([0.0, bad, 1.0]))(torch.zeros(3))
    assert DensityRatio(lambda x: torch.full((1,), -math.inf))(torch.zeros(1)).isneginf()


def test_calibration_scales_the_logit() -> None:
    x = torch.randn(2, 20_000) + torch.tensor([[0.5], [-0.5]])
    ratio = calibrate(lambda x: 10 * x + 3, x[0], x[1])  # the true ratio is x
    t = torch.linspace(-1, 1, 5)
    assert ratio(t) == pytest.approx(t, abs=0.1)
    assert ratio.calibration.slope == pytest.approx(0.1, rel=0.05)
    assert ratio.findings == ()


def test_a_critic_that_nobody_checked_says_so() -> None:
    assert [f.code for f in DensityRatio(nn.Linear(2, 1)).findings] == ["unchecked-ratio"]
    assert DensityRatio(lambda x: x).findings == ()
    assert as_ratio(wrapped := DensityRatio(lambda x: x)) is wrapped


def test_over_fitting_is_said_beyond_what_chance_gives() -> None:
    assert [f.code for f in Fit(100, 50, 0.1, 0.6, 1000).findings] == ["over-fit"]
    assert Fit(100, 50, 0.1, 0.6, 10).findings == ()
    assert Fit(100, 50, 0.6, 0.6, 1000).findings == ()
