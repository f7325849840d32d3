"""Score matching: its identity with the Fisher divergence by quadrature, a closed form, and what it costs."""

import math

import pytest
import torch
from torch import Tensor, nn

from likeness.data.truth import Mixture
from likeness.energy.score_matching import exact, fisher_divergence, jacobian, regularised

TRUTH = Mixture(torch.tensor([[1.0, 0.5], [-1.0, -0.5]]), 0.6, weights=torch.tensor([0.7, 0.3]))


def field(d: int = 2) -> nn.Module:
    return nn.Sequential(nn.Linear(d, 16), nn.Tanh(), nn.Linear(16, d)).double()


def lattice(n: int = 161, reach: float = 6.0) -> tuple[Tensor, float]:
    side = torch.linspace(-reach, reach, n, dtype=torch.double)
    return torch.cartesian_prod(side, side), float(side[1] - side[0]) ** 2


def test_it_is_the_fisher_divergence_up_to_a_constant() -> None:
    x, area = lattice()
    p, true = TRUTH.log_prob(x).exp() * area, TRUTH.score(x)
    assert abs(float(p.sum()) - 1) < 1e-6
    s = field()
    with torch.no_grad():
        fisher, matching = (p * fisher_divergence(s, x, true)).sum(), (p * exact(s, x)).sum()
    constant = (p * true.square().sum(1)).sum() / 2
    assert abs(float(fisher - matching - constant)) < 1e-6
    assert constant > 0.3


def test_a_gaussian_is_matched_by_its_inverse_covariance() -> None:
    x = torch.randn(500, 3) @ torch.tensor([[1.0, 0.3, 0.0], [0.0, 0.8, -0.4], [0.0, 0.0, 0.5]]) + 1
    mean = x.mean(0)
    A = torch.linalg.inv((x - mean).T @ (x - mean) / len(x))
    s = nn.Linear(3, 3)
    with torch.no_grad():
        s.weight.copy_(-A)
        s.bias.copy_(A @ mean)
    exact(s, x).mean().backward()
    assert s.weight.grad.abs().max() < 1e-4
    assert s.bias.grad.abs().max() < 1e-4
    expected = (x - mean) @ A.T
    assert torch.allclose(exact(s, x), expected.square().sum(1) / 2 - A.trace(), atol=1e-3)


def test_every_back_propagation_at_once_is_one_after_the_other() -> None:
    s, x = field(5), torch.randn(4, 5, dtype=torch.double)
    value, J = jacobian(s, x)
    for i in range(4):
        assert torch.allclose(J[i], torch.autograd.functional.jacobian(s, x[i]))
    assert torch.allclose(value, s(x))


def test_images_are_samples_too_and_each_counts_alone() -> None:
    s = nn.Conv2d(1, 1, 3, padding=1)
    x = torch.randn(3, 1, 4, 4)
    cost = exact(s, x)
    assert torch.allclose(cost[1:2], exact(s, x[1:2]), atol=1e-4)
    trace = 16 * s.weight[0, 0, 1, 1]
    assert torch.allclose(cost, s(x).flatten(1).square().sum(1) / 2 + trace, atol=1e-4)


def test_curvature_costs_its_square() -> None:
    s = nn.Linear(3, 3)
    x = torch.randn(6, 3)
    more = regularised(0.5)(s, x) - exact(s, x)
    assert torch.allclose(more, 0.5 * s.weight.diagonal().square().sum().expand(6), atol=1e-5)


def test_without_it_a_spike_at_each_sample_has_no_end_and_with_it_one() -> None:
    """A narrow Gaussian at each of some points is the score −x/h²: its cost there falls without end."""

    def spike(h: float, weight: float) -> float:
        return float(regularised(weight)(lambda x: -x / h**2, torch.zeros(1, 2)).detach())

    assert spike(0.01, 0.0) < spike(0.1, 0.0) < spike(1.0, 0.0)
    assert spike(0.01, 0.1) > spike(0.5, 0.1)


@pytest.mark.parametrize("grad", [True, False])
def test_it_learns_or_only_measures(grad: bool) -> None:
    with torch.set_grad_enabled(grad):
        assert exact(field(), torch.randn(5, 2, dtype=torch.double)).requires_grad is grad


def test_the_score_of_a_mixture_costs_least_where_it_is_known() -> None:
    x = TRUTH.sample(20_000, generator=0).double()
    with torch.no_grad():
        best = float(exact(TRUTH.score, x).mean())
        for factor in (0.8, 1.2):
            assert float(exact(lambda x, f=factor: f * TRUTH.score(x), x).mean()) > best
    assert math.isclose(best, -float(TRUTH.score(x).square().sum(1).mean()) / 2, rel_tol=0.05)
