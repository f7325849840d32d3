"""The table of losses: its signs, its values, and where each is stationary."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from likeness.errors import InputError
from likeness.gan.losses import (
    LOSSES,
    AdversarialLoss,
    hinge,
    least_squares,
    minimax,
    non_saturating,
    relativistic,
    smoothed,
    wasserstein,
)

ROWS = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES.keys())


@ROWS
def test_real_is_one(loss: AdversarialLoss) -> None:
    """At a logit of zero the critic wants real ones up and fakes down, and the generator wants fakes up."""
    r, f = torch.zeros(1, requires_grad=True), torch.zeros(1, requires_grad=True)
    up_r, up_f = torch.autograd.grad(loss.critic(r, f).sum(), (r, f))
    (up,) = torch.autograd.grad(loss.generator(r, f).sum(), f)
    assert up_r < 0 < up_f
    assert up < 0


@ROWS
@given(n=st.integers(1, 7))
def test_one_value_a_sample(loss: AdversarialLoss, n: int) -> None:
    r, f = torch.randn(n), torch.randn(n)
    for values in (loss.critic(r, f), loss.generator(r, f)):
        assert values.shape == (n,)
    alone = torch.cat([loss.critic(r[i : i + 1], f[i : i + 1]) for i in range(n)])
    torch.testing.assert_close(alone, loss.critic(r, f))


@ROWS
def test_only_a_loss_on_pairs_needs_the_real_logits(loss: AdversarialLoss) -> None:
    f = torch.randn(5)
    if loss.paired:
        assert not torch.equal(loss.generator(f + 1, f), loss.generator(f + 2, f))
    else:
        assert torch.equal(loss.generator(None, f), loss.generator(f + 2, f))


def test_the_logistic_rows_are_cross_entropies() -> None:
    r, f = torch.randn(9), torch.randn(9)
    one, nought = torch.ones(9), torch.zeros(9)
    bce = binary_cross_entropy_with_logits
    expected = bce(r, one, reduction="none") + bce(f, nought, reduction="none")
    for loss in (minimax, non_saturating):
        torch.testing.assert_close(loss.critic(r, f), expected)
    torch.testing.assert_close(minimax.generator(None, f), -bce(f, nought, reduction="none"))
    torch.testing.assert_close(non_saturating.generator(None, f), bce(f, one, reduction="none"))
    torch.testing.assert_close(relativistic.critic(r, f), bce(r - f, one, reduction="none"))


def test_the_saturating_generator_has_no_slope_where_the_critic_is_sure() -> None:
    f = torch.tensor([-20.0], requires_grad=True)
    (weak,) = torch.autograd.grad(minimax.generator(None, f).sum(), f)
    (strong,) = torch.autograd.grad(non_saturating.generator(None, f).sum(), f)
    assert abs(weak) < 1e-8
    assert abs(strong) > 0.99


def test_known_values() -> None:
    r, f = torch.tensor([2.0, 0.5]), torch.tensor([-3.0, 0.5])
    torch.testing.assert_close(hinge.critic(r, f), torch.tensor([0.0, 2.0]))
    torch.testing.assert_close(wasserstein.critic(r, f), torch.tensor([-5.0, 0.0]))
    torch.testing.assert_close(least_squares.critic(r, f), torch.tensor([2.5, 1.25]))
    assert non_saturating.critic(torch.zeros(1), torch.zeros(1)).item() == pytest.approx(math.log(4))


@pytest.mark.parametrize("shift", [-3.0, 7.0])
@pytest.mark.parametrize("loss", [relativistic, wasserstein], ids=["relativistic", "wasserstein"])
def test_losses_of_differences_do_not_see_a_shift(loss: AdversarialLoss, shift: float) -> None:
    r, f = torch.randn(5), torch.randn(5)
    torch.testing.assert_close(loss.critic(r + shift, f + shift), loss.critic(r, f), atol=1e-5, rtol=1e-5)


def optimum(loss: AdversarialLoss, p: float, q: float) -> float:
    """The logit that minimises the critic's loss at a place with densities p and q, by bisection on the slope."""
    low, high = -30.0, 30.0
    for _ in range(80):
        d = torch.tensor([(low + high) / 2], dtype=torch.float64, requires_grad=True)
        apart: list[Tensor] = [loss.critic(d, d.detach()), loss.critic(d.detach(), d)]
        (slope,) = torch.autograd.grad((p * apart[0] + q * apart[1]).sum(), d)
        low, high = (low, d.item()) if slope > 0 else (d.item(), high)
    return low


@pytest.mark.parametrize(("p", "q"), [(0.3, 0.1), (1.0, 1.0), (0.05, 2.0)])
def test_the_optimal_critic(p: float, q: float) -> None:
    """log p/q for the cross-entropy, the same bent by smoothing, (p − q)/(p + q) for least squares."""
    assert optimum(non_saturating, p, q) == pytest.approx(math.log(p / q), abs=1e-6)
    assert optimum(smoothed(minimax, 0.2), p, q) == pytest.approx(math.log(0.8 * p / (q + 0.2 * p)), abs=1e-6)
    assert optimum(least_squares, p, q) == pytest.approx((p - q) / (p + q), abs=1e-6)


def test_smoothing_is_the_cross_entropy_with_soft_labels() -> None:
    r, f = torch.randn(9), torch.randn(9)
    bce = binary_cross_entropy_with_logits
    expected = bce(r, torch.full((9,), 0.9), reduction="none") + bce(f, torch.zeros(9), reduction="none")
    soft = smoothed(non_saturating, 0.1)
    torch.testing.assert_close(soft.critic(r, f), expected)
    assert not soft.logistic
    assert smoothed(non_saturating, 0.0).logistic
    assert soft.generator is non_saturating.generator


@pytest.mark.parametrize(("loss", "alpha"), [(hinge, 0.1), (minimax, 0.5), (minimax, -0.1)])
def test_smoothing_refuses(loss: AdversarialLoss, alpha: float) -> None:
    with pytest.raises(InputError, match="smoothing"):
        smoothed(loss, alpha)
