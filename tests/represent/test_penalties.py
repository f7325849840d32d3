"""Penalties against autograd's Jacobian and closed forms; their gradients reach the encoder."""

import math

import pytest
import torch
from torch import nn
from torch.autograd.functional import jacobian

from likeness.errors import InputError
from likeness.represent.penalties import active, activity, contracting, contractive, hutchinson, l1, sparse


def encoder() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3)).double()


def by_autograd(E: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return torch.stack([jacobian(E, row[None]).square().sum() for row in x])


def test_contractive_is_the_norm_of_autograds_jacobian() -> None:
    E, x = encoder(), torch.randn(5, 4).double()
    torch.testing.assert_close(contractive(E, x), by_autograd(E, x))


def test_of_a_sigmoid_layer_it_is_rifais_closed_form() -> None:
    E, x = nn.Sequential(nn.Linear(4, 3), nn.Sigmoid()).double(), torch.randn(5, 4).double()
    h = E(x)
    expected = ((h * (1 - h)).square() * E[0].weight.square().sum(1)).sum(1)
    torch.testing.assert_close(contractive(E, x), expected)


def test_hutchinsons_estimate_is_right_on_average() -> None:
    E, x = encoder(), torch.randn(1, 4).double()
    draws = hutchinson(E, x.expand(40_000, 4))
    assert abs(draws.mean() - by_autograd(E, x)[0]) < 5 * draws.std() / math.sqrt(len(draws))


def test_gradients_are_those_of_finite_differences() -> None:
    E, x = encoder(), torch.randn(5, 4).double()
    weight = E[2].weight
    (g,) = torch.autograd.grad(contractive(E, x).sum(), weight)
    with torch.no_grad():
        values = []
        for step in (1e-5, -2e-5):
            weight[0, 0] += step
            values.append(float(by_autograd(E, x).sum()))
    assert float(g[0, 0]) == pytest.approx((values[0] - values[1]) / 2e-5, rel=1e-5)


def test_codes_of_any_shape() -> None:
    E, x = nn.Conv2d(1, 2, 2, 2), torch.randn(3, 1, 4, 4)
    expected = torch.full((3,), 4 * E.weight.detach().square().sum().item())  # a linear map, four places
    torch.testing.assert_close(contractive(E, x), expected)
    assert l1(torch.tensor([[[1.0, -2.0]], [[0.0, 3.0]]])).tolist() == [3.0, 3.0]


def test_activity_costs_nothing_at_its_target_and_is_a_divergence_elsewhere() -> None:
    at = torch.full((8, 3), math.log(0.1 / 0.9))
    assert float(activity(at, 0.1)) == pytest.approx(0, abs=1e-6)
    expected = 2 * (0.1 * math.log(0.1 / 0.5) + 0.9 * math.log(0.9 / 0.5))
    assert float(activity(torch.zeros(8, 2), 0.1)) == pytest.approx(expected, rel=1e-5)
    assert activity(torch.full((8, 3), -100.0), 0.1).isfinite()


@pytest.mark.parametrize("wrong", [lambda: sparse(-1.0), lambda: contracting(-0.1), lambda: active(1.0, 0.0)])
def test_weights_and_targets_out_of_range_are_refused(wrong) -> None:
    with pytest.raises(InputError, match="give"):
        wrong()
