"""Tweedie's formula against posteriors in closed form, and the mean against the highest point."""

import pytest
import torch

from likeness.data.truth import Mixture
from likeness.energy.tweedie import denoise, posterior, posterior_covariance, score_of
from likeness.errors import InputError

MEANS = torch.tensor([[1.0, 0.5], [-1.0, -0.5], [0.0, 2.0]], dtype=torch.double)
SHARES = torch.tensor([0.5, 0.3, 0.2], dtype=torch.double)
SCALES = torch.tensor([[[0.5, 0.0], [0.2, 0.4]], [[0.3, 0.0], [-0.1, 0.6]], [[0.4, 0.0], [0.0, 0.2]]]).double()


@pytest.mark.parametrize("scales", [0.4, SCALES])
@pytest.mark.parametrize("sigma", [0.1, 0.5, 2.0])
def test_the_formula_holds_to_the_last_digits(scales: float | torch.Tensor, sigma: float) -> None:
    truth = Mixture(MEANS, scales, weights=SHARES)
    y = MEANS[torch.arange(2000) % 3] + (0.5 + sigma) * torch.randn(2000, 2, dtype=torch.double)
    known, noisy = posterior(truth, y, sigma), truth.noised(sigma)
    assert (denoise(noisy.score, y, sigma) - known.mean).abs().max() < 1e-12
    assert (score_of(known.mean, y, sigma) - noisy.score(y)).abs().max() < 1e-11
    assert (posterior_covariance(noisy.score, y, sigma) - known.covariance).abs().max() < 1e-11


def test_the_posterior_is_bayes_rule() -> None:
    """p(x | y) p(y) = p(x) N(y; x, σ²) at any x."""
    truth, sigma = Mixture(MEANS, SCALES, weights=SHARES), 0.7
    x, y = torch.randn(50, 2, dtype=torch.double), torch.randn(50, 2, dtype=torch.double)
    noise = torch.distributions.Normal(x, sigma).log_prob(y).sum(1)
    lhs = posterior(truth, y, sigma).log_prob(x) + truth.noised(sigma).log_prob(y)
    assert torch.allclose(lhs, truth.log_prob(x) + noise)


def test_the_mean_has_less_error_than_the_noise_and_the_mode_more_than_the_mean() -> None:
    truth, sigma = Mixture(MEANS, 0.4, weights=SHARES), 0.5
    x = truth.sample(5000, generator=1).double()
    y = x + sigma * torch.randn_like(x)
    known = posterior(truth, y, sigma)
    raw, mean, mode = ((guess - x).square().mean() for guess in (y, known.mean, known.mode()))
    assert mean < 0.8 * raw
    assert mode > mean
    spread = known.covariance.diagonal(dim1=1, dim2=2).mean()
    assert abs(spread / mean - 1) < 0.1, "what is left is the posterior's variance"


def test_the_mode_is_the_highest_point_of_a_grid_and_not_the_mean() -> None:
    truth = Mixture(torch.tensor([[-1.0], [1.0]]), 0.2, weights=torch.tensor([0.45, 0.55]))
    y = torch.tensor([[-0.3], [0.0], [0.4]], dtype=torch.double)
    known = posterior(truth, y, 1.0)
    grid = torch.linspace(-2, 2, 40_001, dtype=torch.double)
    for i in range(3):
        one = posterior(truth, y[i : i + 1].expand(len(grid), 1), 1.0)
        assert abs(known.mode()[i] - grid[one.log_prob(grid[:, None]).argmax()]) < 1e-3
    assert known.mean[1].abs() < 0.2
    assert known.mode()[1].abs() > 0.9


def test_without_much_noise_nothing_is_removed_and_with_much_all_is_forgotten() -> None:
    truth, y = Mixture(MEANS, 0.4, weights=SHARES), torch.randn(10, 2, dtype=torch.double)
    assert torch.allclose(posterior(truth, y, 1e-3).mean, y, atol=1e-4)
    assert torch.allclose(posterior(truth, y, 1e3).mean, (SHARES[:, None] * MEANS).sum(0).expand(10, 2), atol=1e-3)
    with pytest.raises(InputError, match="sigma 0"):
        posterior(truth, y, 0.0)


def test_images_and_a_level_for_each() -> None:
    y, sigma = torch.randn(3, 1, 2, 2), torch.tensor([0.1, 1.0, 2.0])
    found = denoise(lambda y: -y, y, sigma)
    assert torch.allclose(found[2], -3 * y[2])
    assert torch.allclose(score_of(found, y, sigma), -y, atol=1e-4)
