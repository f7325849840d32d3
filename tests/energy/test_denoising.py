"""Denoising score matching: the Fisher divergence of the noisy density and a constant, at any level."""

import pytest
import torch
from torch import nn

from likeness.data.truth import Mixture
from likeness.energy.denoising import denoised, denoising, missing, noise_prediction
from likeness.energy.score_matching import fisher_divergence
from likeness.errors import InputError

TRUTH = Mixture(torch.tensor([[1.0, 0.5], [-1.0, -0.5]]), 0.4, weights=torch.tensor([0.7, 0.3]))


def test_it_is_the_fisher_divergence_of_the_noisy_density_up_to_a_constant() -> None:
    torch.manual_seed(1)
    s, sigma = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2)), 0.5
    x = TRUTH.sample(100_000, generator=0)
    noise = torch.randn_like(x)
    with torch.no_grad():
        noisy = x + sigma * noise
        true = TRUTH.noised(sigma).score(noisy)
        apart = denoised(s, x, noise, sigma) - fisher_divergence(s, noisy, true) - missing(true, sigma)
    assert abs(apart.mean()) < 3 * apart.std() / len(x) ** 0.5
    assert apart.std() / len(x) ** 0.5 < 0.02


def test_what_points_back_costs_nothing_and_silence_half_a_unit_each() -> None:
    x, noise = torch.zeros(5, 3), torch.randn(5, 3)
    assert torch.allclose(denoised(lambda y: -y / 0.3**2, x, noise, 0.3), torch.zeros(5), atol=1e-4)
    silent = noise_prediction(torch.zeros_like, x, noise, 0.3)
    assert torch.allclose(silent, noise.square().sum(1) / 2)


def test_the_weight_is_the_square_of_the_level_and_each_sample_may_have_its_own() -> None:
    x, noise = torch.randn(4, 1, 2, 2), torch.randn(4, 1, 2, 2)
    sigma = torch.tensor([0.1, 0.5, 1.0, 2.0])
    together = noise_prediction(torch.sin, x, noise, sigma)
    for i in range(4):
        one = slice(i, i + 1)
        apart = denoised(torch.sin, x[one], noise[one], float(sigma[i]))
        assert torch.allclose(together[one], float(sigma[i]) ** 2 * apart, rtol=1e-4)


def test_the_objective_draws_its_noise() -> None:
    x = TRUTH.sample(10)
    torch.manual_seed(5)
    found = denoising(0.5, weighted=False)(torch.sin, x)
    torch.manual_seed(5)
    assert torch.allclose(found, denoised(torch.sin, x, torch.randn(10, 2), 0.5))
    with pytest.raises(InputError, match="sigma 0"):
        denoising(0.0)
