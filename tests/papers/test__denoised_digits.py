"""Baselines of the images, and a short training of both networks."""

import torch

from likeness.data import load, whole
from likeness.papers._denoised_digits import CLAIMS, independent, measure, wiener


def test_wieners_filter_is_the_posterior_mean_of_a_gaussian() -> None:
    torch.manual_seed(0)
    x = 2 + torch.randn(20_000, 1, 2, 2) * torch.tensor([[0.5, 1.0], [2.0, 4.0]])
    y, sigma = x + 0.7 * torch.randn_like(x), 0.7
    S = torch.tensor([[0.25, 1.0], [4.0, 16.0]])
    assert torch.allclose(wiener(x, y, sigma), 2 + S / (S + sigma**2) * (y - 2), atol=0.1)
    left = (S * sigma**2 / (S + sigma**2)).mean()
    assert abs((wiener(x, y, sigma) - x).square().mean() / left - 1) < 0.02


def test_independent_pixels_are_each_right_and_have_nothing_to_do_with_each_other() -> None:
    x = torch.randn(5000, 1, 1, 1).expand(5000, 1, 2, 2).contiguous()
    made = independent(x, 4000, 0).flatten(1)
    assert made.shape == (4000, 4)
    assert abs(made.std() - 1) < 0.05
    assert (made.T.corrcoef() - torch.eye(4)).abs().max() < 0.08
    assert torch.isin(made[:, 0], x[:, 0, 0, 0]).all()


def test_a_short_training_gives_every_number() -> None:
    found = measure(60, 20, 0)
    assert set(found) >= {c.key for c in CLAIMS} | {c.baseline for c in CLAIMS if c.baseline}
    assert found["digits.network"] < found["digits.noise"]
    assert found["real.frechet"] < found["pixels.frechet"]
    assert whole(load("digits").train).x.shape[1:] == (1, 8, 8)
