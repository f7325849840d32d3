"""The ratio of a projection mends the law of the projection, and never does harm."""

import math

import pytest
import torch
from torch import Tensor

from likeness.data import load, whole
from likeness.errors import InputError
from likeness.refine import Projected, cross_fit, fit_ratio, rejection
from likeness.sampling import Streams, draw, streams


def test_components_are_those_of_largest_variance() -> None:
    x = torch.randn(4000, 6, generator=torch.Generator().manual_seed(0)) * torch.tensor([5.0, 0.1, 3.0, 0.1, 0.1, 0.1])
    network = Projected(x + 7, components=2)
    t = network.project(x + 7)
    assert t.mean(0).abs().max() < 1e-4
    assert t.std(0).tolist() == pytest.approx([1.0, 0.6], abs=0.03)
    assert network.basis[0, 0].abs() * 5 == pytest.approx(1, abs=0.05)
    assert Projected(x[:3], components=50).basis.shape == (6, 3)


def test_only_the_critic_learns() -> None:
    network = Projected(torch.randn(50, 3, 4, 4), components=5, width=8)
    assert all(name.startswith("critic.") for name, _ in network.named_parameters())
    assert network(torch.randn(7, 3, 4, 4)).shape == (7,)
    with pytest.raises(InputError, match="0 components"):
        Projected(torch.randn(5, 2), components=0)


def test_the_ratio_of_a_projection_is_that_of_its_law() -> None:
    """N((μ, 0), diag(s², 1)) against N(0, 1): through the first coordinate the log ratio is a known parabola."""
    s, mu, n = 2.0, 1.0, 20_000

    def model(n: int, *, generator: int | Streams | None = None) -> Tensor:
        return streams(generator).normal(n, 2)

    real = model(n, generator=1) * torch.tensor([s, 1.0]) + torch.tensor([mu, 0.0])
    ratio = fit_ratio(model, real, network=Projected(real, components=1, width=64), max_steps=1500, seed=0)
    x = torch.stack([torch.linspace(-1, 3, 50), torch.randn(50)], dim=1)
    exact = -((x[:, 0] - mu) ** 2) / (2 * s**2) + x[:, 0] ** 2 / 2 - math.log(s)
    assert (ratio(x) - exact).square().mean().sqrt() < 0.2


def test_images_are_mended_where_they_can_be() -> None:
    """A model of digits that draws the first three classes twice as often as the rest: their shares come right."""
    data = whole(load("digits").train)
    real, classes = data.x, data.y
    weight = torch.where(classes < 3, 4.0, 1.0)
    cdf = (weight / weight.sum()).cumsum(0)

    def skewed(n: int, *, generator: int | Streams | None = None) -> Tensor:
        source = streams(generator)
        place = torch.searchsorted(cdf, source.uniform(n)).clamp(max=len(real) - 1)
        return real[place] + 0.05 * source.normal(n, *real.shape[1:])

    ratio = fit_ratio(skewed, real, network=Projected(real), batch_size=128, max_steps=600, seed=0)
    better = rejection(skewed, ratio, budget=5, burn_in=2000)

    def share(x: Tensor) -> float:
        nearest = torch.cdist(x.flatten(1), real.flatten(1)).argmin(1)
        return float((classes[nearest] < 3).float().mean())

    before, after = (share(draw(s, 1000, generator=0)) for s in (skewed, better))
    true = float((classes < 3).float().mean())
    assert abs(after - true) < 0.5 * abs(before - true)


def test_files_of_images_are_scored_by_halves() -> None:
    x = whole(load("digits").train).x
    scored = cross_fit(x[:400] * 0.8, x[400:], network=Projected(x[400:], width=16), batch_size=64, max_steps=60)
    assert scored.log_ratio.shape == (400,)
