"""NCSN: the published levels and step come out of the rules, and exact scores give the law of the data."""

import math

import pytest
import torch
from torch import Tensor, nn
from torch.optim import Adam

from likeness.data.batch import Batch
from likeness.data.truth import Mixture
from likeness.energy.ncsn import NCSN, WIDEST, farthest, geometric, overlap, ratio, step_size, variance_left
from likeness.errors import InputError
from likeness.nn.vector import MLP
from likeness.sampling import draw
from likeness.testing import check_method


class Net(nn.Module):
    def __init__(self, d: int) -> None:
        super().__init__()
        self.body = MLP(d + 1, d, width=16, activation=nn.SiLU)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        return self.body(torch.cat((x, t[:, None] / 1000), 1))


@pytest.mark.parametrize("first", [None, 5.0])
def test_contract(first: float | None) -> None:
    check_method(
        lambda: NCSN(Net(2), (2,), sigma_first=first), Batch(torch.randn(9, 2)), lambda m: Adam(m.parameters())
    )


def test_the_rules_give_what_was_published_for_cifar10() -> None:
    """σ from 50 to 0.01 in 232 levels, 5 steps each, ε = 6.2e-6, which moves by α itself and not by half of it."""
    published = 5000 ** (1 / 231)
    assert abs(step_size(published, 5) / 2 * 0.01**2 - 6.2e-6) < 0.1e-6
    assert 0.45 < overlap(published, 3072) < 0.6
    assert abs(len(geometric(50, 0.01, ratio(3072))) / 232 - 1) < 0.06
    assert geometric(1, 0.01, WIDEST).allclose(torch.logspace(0, -2, 10))


def test_more_dimensions_need_closer_levels() -> None:
    found = [ratio(d) for d in (2, 16, 64, 784, 3072)]
    assert found == sorted(found, reverse=True)
    assert found[0] == WIDEST
    assert all(abs(overlap(g, d) - 0.5) < 1e-6 for g, d in zip(found[2:], (64, 784, 3072), strict=True))


def test_the_variance_of_the_rule_is_that_of_a_chain() -> None:
    gamma, a, v = 1.5, 0.1, 1.5**2
    for _ in range(7):
        v = (1 - a) ** 2 * v + 2 * a
    assert abs(variance_left(a, gamma, 7) - v) < 1e-12
    best = step_size(gamma, 7) / 2
    assert all(variance_left(best, gamma, 7) <= variance_left(best * f, gamma, 7) + 1e-9 for f in (0.5, 0.9, 1.1, 2))
    assert variance_left(step_size(gamma, 500) / 2, gamma, 500) < 1.01


class Exact(nn.Module):
    """σ times the score of a mixture with noise σ, told as NCSN tells it."""

    def __init__(self, truth: Mixture, first: float, last: float) -> None:
        super().__init__()
        self.truth, self.first, self.last = truth, first, last
        self.nothing = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        assert (t == t[0]).all()
        sigma = self.last * (self.first / self.last) ** (float(t[0]) / 1000)
        return sigma * self.truth.noised(sigma).score(x * math.sqrt(1 + sigma**2))


def test_exact_scores_draw_the_data_even_from_far_modes_of_unequal_weight() -> None:
    truth = Mixture(torch.tensor([[2.5, 2.5], [-2.5, -2.5]]), 0.8, weights=torch.tensor([0.8, 0.2]))

    def found(**levels: float) -> tuple[float, float]:
        model = NCSN(Exact(truth, 10, 0.05), (2,), sigma_first=10, sigma_last=0.05, **levels)
        x = draw(model.sample, 5000, generator=0, batch_size=5000)
        small = x.sum(1) < 0
        return abs(float(small.float().mean()) - 0.2), abs(float(x[~small].std(0).mean()) - 0.8)

    share, spread = found(gamma=1.1, steps=30)
    assert share < 0.03
    assert spread < 0.05
    rough_share, rough_spread = found(steps=5)
    assert rough_share > 2 * share, "steps that are too few leave what levels above had"
    assert rough_spread > 2 * spread


def test_the_states_are_shown_and_the_last_has_its_noise_removed() -> None:
    truth = Mixture(torch.zeros(1, 2), 0.01)
    model = NCSN(Exact(truth, 2, 0.1), (2,), sigma_first=2, sigma_last=0.1, steps=20)
    *before, last, final = model.states(500, generator=1)
    assert len(before) == 20 * len(model.sigmas)
    assert torch.allclose(final, model.denoise(last, 0.1), atol=1e-6)
    assert last.std() > 0.08
    assert final.std() < 0.01
    assert abs(before[0].std() / 2 - 1) < 0.1, "the first is noise"


def test_the_first_level_reaches_from_any_sample_to_any_other() -> None:
    x = torch.tensor([[0.0, 0.0], [3.0, 4.0], [1.0, 1.0]])
    assert farthest(x) == 5
    model = NCSN(Net(2), (2,))
    with pytest.raises(InputError, match="train for a step"):
        model.sample(3)
    model.start(x)
    assert math.isclose(float(model.sigmas[0]), 5, rel_tol=1e-5)
    assert math.isclose(float(model.sigmas[-1]), 0.01, rel_tol=1e-5)
    with pytest.raises(InputError, match="down to"):
        NCSN(Net(2), (2,)).start(torch.ones(4, 2))


def test_numbers_out_of_their_range_are_told() -> None:
    for wrong in ({"steps": 0}, {"size": 0.0}, {"sigma_last": 0.0}, {"gamma": 1.0}, {"sigma_first": 0.001}):
        with pytest.raises(InputError):
            NCSN(Net(2), (2,), **wrong)
