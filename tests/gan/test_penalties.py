"""The penalties: known slopes, one value a sample whatever the batch, and gradients that reach the critic."""

import pytest
import torch
from torch import Tensor, nn

from likeness.errors import InputError
from likeness.gan.penalties import Penalty, PenaltyFunction, clip_weights, gradient_penalty, penalties, r1, r2, slope
from likeness.nn import ConvCritic, VectorCritic

EACH = pytest.mark.parametrize("penalty", [r1, r2, gradient_penalty], ids=lambda p: p.__name__)


def bowl(x: Tensor) -> Tensor:
    """A critic whose slope at x is x."""
    return 0.5 * x.square().sum(1)


def plane(w: Tensor) -> nn.Module:
    D = nn.Sequential(nn.Flatten(), nn.Linear(w.numel(), 1, bias=False), nn.Flatten(0))
    D[1].weight.data = w.reshape(1, -1).clone()
    return D


@pytest.mark.parametrize("n", [1, 2, 64])
@pytest.mark.parametrize("event", [(3,), (1, 8, 8)])
def test_a_critic_of_slope_one_pays_nothing_in_any_batch(n: int, event: tuple[int, ...]) -> None:
    """One norm over the batch would be √n here, and the penalty (√n − 1)²."""
    w = torch.randn(event)
    x, y = torch.randn(n, *event), torch.randn(n, *event)
    torch.testing.assert_close(gradient_penalty(plane(w / w.norm()), x, y), torch.zeros(n))
    torch.testing.assert_close(gradient_penalty(plane(3 * w / w.norm()), x, y), torch.full((n,), 4.0))


def test_r1_and_r2_at_a_known_slope() -> None:
    """Half the squared slope at the real, or at the generated samples."""

    x, y = torch.randn(5, 3), torch.randn(5, 3)
    torch.testing.assert_close(slope(bowl, x), x)
    torch.testing.assert_close(r1(bowl, x, y), 0.5 * x.square().sum(1))
    torch.testing.assert_close(r2(bowl, x, y), 0.5 * y.square().sum(1))


def test_the_gradient_penalty_looks_between_pairs() -> None:
    """On a bowl the penalty tells ‖x̂‖, and x̂ must lie on the segment of its own pair."""

    real, fake = torch.full((2000, 1), 2.0), torch.full((2000, 1), 4.0)
    x_hat = gradient_penalty(bowl, real, fake).sqrt() + 1
    assert x_hat.min() >= 2
    assert x_hat.max() <= 4
    assert abs(x_hat.mean() - 3) < 0.05
    assert abs(x_hat.std() - 2 / 12**0.5) < 0.02


@EACH
@pytest.mark.parametrize("image", [False, True])
def test_a_sample_pays_the_same_in_any_company(penalty: PenaltyFunction, image: bool) -> None:
    D = ConvCritic((1, 8, 8), width=8) if image else VectorCritic(3)
    x = torch.randn(6, 1, 8, 8) if image else torch.randn(6, 3)
    torch.manual_seed(3)
    together = penalty(D, x, x)  # with real = fake every x̂ is x, so that the draw of u does not matter
    alone = torch.cat([penalty(D, x[i : i + 1], x[i : i + 1]) for i in range(6)])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)


@EACH
def test_the_gradient_reaches_the_critic_and_is_that_of_finite_differences(penalty: PenaltyFunction) -> None:
    D = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1), nn.Flatten(0)).double()
    x = torch.randn(5, 3, dtype=torch.float64)
    (g,) = torch.autograd.grad(penalty(D, x, x).sum(), D[0].weight)
    h = 1e-6
    D[0].weight.data[2, 1] += h
    up = penalty(D, x, x).sum()
    D[0].weight.data[2, 1] -= 2 * h
    down = penalty(D, x, x).sum()
    assert g[2, 1].item() == pytest.approx(((up - down) / (2 * h)).item(), rel=1e-5)


def test_a_flat_critic_has_a_finite_gradient() -> None:
    D = plane(torch.zeros(3))
    value = gradient_penalty(D, torch.randn(4, 3), torch.randn(4, 3))
    torch.testing.assert_close(value, torch.ones(4))
    (g,) = torch.autograd.grad(value.sum(), D[1].weight)
    assert g.isfinite().all()


def test_clipping() -> None:
    D = VectorCritic(3)
    before = [p.detach().clone() for p in D.parameters()]
    with torch.no_grad():
        clip_weights(D, 0.05)
    for p, q in zip(D.parameters(), before, strict=True):
        assert torch.equal(p, q.clamp(-0.05, 0.05))


def test_weight_and_rhythm() -> None:
    D, x = VectorCritic(2), torch.randn(4, 2)
    lazy = Penalty(r1, 0.5, every=3)
    torch.testing.assert_close(lazy(D, x, x), 1.5 * r1(D, x, x))
    assert [lazy.due(i) for i in range(5)] == [True, False, False, True, False]
    assert lazy.name == "r1"


def test_every_way_to_give_penalties() -> None:
    one = Penalty(r1)
    assert penalties(None) == ()
    assert penalties(r1) == penalties(one) == penalties([one]) == (one,)


@pytest.mark.parametrize("bad", [{"weight": -1.0}, {"every": 0}])
def test_bad_numbers(bad: dict[str, float]) -> None:
    with pytest.raises(InputError, match="weight"):
        Penalty(r1, **bad)  # type: ignore[arg-type]
