import math

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from likeness.data.truth import Mixture
from likeness.energy.energies import given, log_density, log_ratio, mixture, product, score, tempered, valued
from likeness.errors import InputError

TRUTH = Mixture(torch.tensor([[2.0, 1.0], [-1.0, 0.0]]), 0.7, weights=torch.tensor([0.7, 0.3]))


def energy(x: Tensor) -> Tensor:
    return -TRUTH.log_prob(x)


def gaussian(mean: float, std: float):
    return lambda x: ((x - mean) / std).square().flatten(1).sum(1) / 2


def test_the_score_is_that_of_the_closed_form_for_all_samples_at_once() -> None:
    x = 3 * torch.randn(500, 2, dtype=torch.double)
    calls = []

    def counted(x: Tensor) -> Tensor:
        calls.append(len(x))
        return energy(x)

    assert_close(score(counted, x), TRUTH.score(x))
    assert calls == [500]


def test_a_constant_changes_no_score_and_no_ratio() -> None:
    E = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1), nn.Flatten(0)).double()
    a, b = torch.randn(2, 50, 2, dtype=torch.double)
    assert (score(lambda x: E(x) + 123.4, a) - score(E, a)).abs().max() == 0
    assert_close(log_ratio(lambda x: E(x) + 123.4, a, b), log_ratio(E, a, b), atol=1e-6, rtol=0)
    assert_close(log_ratio(energy, a, b), TRUTH.log_prob(a) - TRUTH.log_prob(b))


def test_the_score_has_mean_zero() -> None:
    x = TRUTH.sample(100_000, generator=0)
    s = score(energy, x)
    assert (s.mean(0).abs() < 4 * s.std(0) / math.sqrt(len(x))).all()


def test_a_vector_is_no_energy() -> None:
    for wrong in (lambda x: x, lambda x: x.sum(1, keepdim=True), lambda x: x.sum()):
        with pytest.raises(InputError, match=r"the energy gave shape .* for 5 samples: an energy is one number"):
            score(wrong, torch.randn(5, 2))


def test_the_product_of_gaussians_is_the_gaussian_that_is_known() -> None:
    """Precisions add, and means are weighted by them."""
    x = torch.randn(20, 3)
    precision = 1 + 1 / 0.25
    expected = gaussian((0 + 2 / 0.25) / precision, precision**-0.5)
    both = product(gaussian(0, 1), gaussian(2, 0.5))
    assert_close(log_ratio(both, x[:10], x[10:]), log_ratio(expected, x[:10], x[10:]))


def test_a_mixture_of_normalised_energies_is_the_mixture() -> None:
    parts = [Mixture(m[None], 0.7) for m in TRUTH.means]
    mixed = mixture([lambda x, p=p: -p.log_prob(x) for p in parts], TRUTH.share.log())
    x = torch.randn(30, 2)
    assert_close(valued(mixed, x), energy(x))
    assert_close(valued(mixture([energy, energy]), x), energy(x))
    with pytest.raises(InputError, match="log weights for 2 energies"):
        mixture([energy, energy], torch.zeros(3))


def test_what_is_given_stays_and_temperature_divides() -> None:
    joint = lambda x, y: (x - y).square().sum(1)  # noqa: E731
    x, y = torch.randn(2, 6, 2)
    assert_close(given(joint, y)(x), joint(x, y))
    assert_close(given(joint, y[:1])(x), joint(x, y[:1].expand(6, 2)))
    assert_close(tempered(energy, 4.0)(x), energy(x) / 4)
    assert_close(log_density(energy)(x), -energy(x))
    with pytest.raises(InputError, match="temperature 0"):
        tempered(energy, 0.0)
