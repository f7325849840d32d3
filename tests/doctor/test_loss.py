"""The loss in words: σ, weight and threshold are those of the conversion, with and without a run."""

import math

import pytest
import torch
from linear_gaussian import spectrum

from likeness.density.conversion import Loss
from likeness.density.likelihoods import Bernoulli, GaussianMap
from likeness.density.vae import VAE
from likeness.doctor.loss import largest_variance, of_run, of_words, own_sigma


def test_a_run_is_told_by_its_own_sigma_and_beta(known) -> None:
    vae, x = known
    found = of_run(vae, 4.0, x)
    assert found.numbers["effective_sigma"] == pytest.approx(1.0)
    assert found.numbers["kl_weight"] == pytest.approx(4)
    values, _ = spectrum(x)
    assert found.numbers["linear_directions"] == int((values > 1).sum())
    assert largest_variance(x) == pytest.approx(float(values[0]), rel=1e-3)
    assert "set β to 1" in " ".join(found.words)


def test_a_loss_as_it_was_written() -> None:
    found = of_words(Loss(0.1, mean_error=True), 784, 20, torch.tensor([5.1, 3.7] + [0.1] * 782))
    assert found.numbers["effective_sigma"] == pytest.approx(2.8)
    assert found.words[0].startswith("Mean-MSE with σ = 0.1 on 784 pixels is a KL weight of 784")
    assert f"above σ = {math.sqrt(5.1):.3g}: this one would" in found.words[-1]


def test_likelihoods_without_a_sigma_say_so() -> None:
    E, D = torch.nn.Linear(4, 4), torch.nn.Linear(2, 4)
    vae = VAE(E, D, Bernoulli(), d_z=2)
    assert own_sigma(vae, torch.zeros(3, 4)) is None
    assert "no σ" in of_run(vae, 1.0, torch.zeros(3, 4)).words[0]
    by_pixel = VAE(E, torch.nn.Linear(2, 8), GaussianMap(0.3), d_z=2)
    assert own_sigma(by_pixel, torch.zeros(3, 4)) > 0.3
