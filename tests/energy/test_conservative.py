"""The score of an energy: what a constant does to it, its symmetry, and that it trains."""

import pytest
import torch
from torch import Tensor, nn

from likeness.data.truth import Mixture
from likeness.energy.conservative import Conservative, curl
from likeness.energy.score_matching import exact
from likeness.errors import InputError
from likeness.nn.vector import VectorCritic


class Shifted(nn.Module):
    def __init__(self, energy: nn.Module, by: float) -> None:
        super().__init__()
        self.energy, self.by = energy, by

    def forward(self, x: Tensor) -> Tensor:
        return self.energy(x) + self.by


class MinusLog(nn.Module):
    def __init__(self, truth: Mixture) -> None:
        super().__init__()
        self.truth = truth

    def forward(self, x: Tensor) -> Tensor:
        return -self.truth.log_prob(x)


def test_a_constant_changes_nothing() -> None:
    energy, x = VectorCritic(3, width=16, activation=nn.SiLU), torch.randn(20, 3)
    assert torch.equal(Conservative(energy)(x), Conservative(Shifted(energy, 123.4))(x))


def test_it_is_the_score_of_a_mixture_whose_mean_is_zero() -> None:
    truth = Mixture(torch.tensor([[1.0, 0.5], [-1.0, -0.5]]), 0.6, weights=torch.tensor([0.7, 0.3]))
    x = truth.sample(20_000, generator=0)
    s = Conservative(MinusLog(truth))(x)
    assert torch.allclose(s, truth.score(x), atol=1e-4)
    assert (s.mean(0).abs() < 4 * s.std(0) / len(x) ** 0.5).all()


def test_an_energy_that_gives_a_vector_is_told() -> None:
    with pytest.raises(InputError, match=r"shape \(4, 3\) for 4 samples"):
        Conservative(nn.Linear(2, 3))(torch.randn(4, 2))


def test_its_jacobian_is_symmetric_and_that_of_a_field_is_not() -> None:
    x = torch.randn(10, 3)
    assert curl(Conservative(VectorCritic(3, width=16, activation=nn.SiLU)), x).max() < 1e-5
    assert curl(nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 3)), x).min() > 0.1
    turn = torch.tensor([[0.0, 1.0], [-1.0, 0.0]])
    assert torch.allclose(curl(lambda x: x @ turn, x[:, :2]), torch.full((10,), 2.0))


def test_a_gradient_of_its_trace_reaches_the_energy_and_none_is_kept_where_none_is_wanted() -> None:
    s = Conservative(VectorCritic(3, width=16, activation=nn.SiLU))
    exact(s, torch.randn(5, 3)).mean().backward()
    first = next(s.parameters())
    assert first.grad.abs().sum() > 0
    with torch.no_grad():
        assert not s(torch.randn(5, 3)).requires_grad
