"""Bits of rounded data are known for densities that are flat, and bounded below by those of the rounded mass."""

import math

import pytest
import torch
from torch.distributions import Normal

from likeness.bits import binarised, bits_of_probability, bits_per_dim, levels_of
from likeness.data import load, whole
from likeness.errors import InputError

LEVELS = torch.arange(256) / 127.5 - 1
X = LEVELS[torch.randint(256, (40, 1, 4, 4), generator=torch.Generator().manual_seed(0))]


def test_a_flat_density_costs_the_logarithm_of_the_levels() -> None:
    flat = -16 * math.log(2 + 2 / 255)
    assert torch.allclose(bits_per_dim(lambda x: torch.full((len(x),), flat), X), torch.tensor(8.0))


@pytest.mark.parametrize("std", [0.5, 0.01])
def test_it_bounds_the_bits_of_the_rounded_mass_and_is_tight_where_the_density_is_smooth(std: float) -> None:
    p, half = Normal(torch.tensor(0.0).double(), std), 1 / 255
    x = LEVELS[torch.tensor([126, 127, 128, 129])].reshape(4, 1)
    exact = -(p.cdf(x.double() + half) - p.cdf(x.double() - half)).log2()[:, 0]
    bound = bits_per_dim(lambda x: p.log_prob(x.double()).sum(1), x, draws=4000)
    assert (bound > exact - 1e-2).all()
    assert (bound - exact).abs().max() < (0.01 if std == 0.5 else 0.1)


def test_wrong_levels_are_named() -> None:
    with pytest.raises(InputError, match="not of 17 levels"):
        bits_per_dim(lambda x: x.flatten(1).sum(1), X, levels=17)
    with pytest.raises(InputError, match="1 levels"):
        bits_per_dim(lambda x: x.flatten(1).sum(1), X, levels=1)


@pytest.mark.parametrize("levels", [2, 3, 17, 100, 256])
def test_the_levels_of_data_are_found(levels: int) -> None:
    place = torch.randint(levels, (500, 1, 4, 4), generator=torch.Generator().manual_seed(levels))
    place[0] = torch.arange(16).reshape(1, 4, 4) * (levels - 1) // 15  # both ends occur
    assert levels_of(place * (2 / (levels - 1)) - 1) == levels


def test_digits_have_17_levels_though_they_are_kept_as_8_bits() -> None:
    assert levels_of(whole(load("digits").train).x) == 17


def test_what_is_not_rounded_has_no_levels() -> None:
    assert levels_of(torch.rand(100, 1, 4, 4) * 2 - 1) is None
    assert levels_of(torch.tensor([[-1.0], [0.3], [1.0]]) * 1.2) is None


def test_a_probability_needs_no_noise() -> None:
    """Of a fair coin a bit, and of 256 equal levels the 8 that a flat density comes to as well."""
    assert float(bits_of_probability(torch.tensor([-10 * math.log(2)]), 10)) == pytest.approx(1)
    assert float(bits_of_probability(torch.tensor([-16 * math.log(256)]), 16)) == pytest.approx(8)


def test_grey_is_binarised_by_chance_and_black_and_white_are_kept() -> None:
    x = torch.full((2000, 1, 2, 2), -0.5)
    assert float((binarised(x) == 1).float().mean()) == pytest.approx(0.25, abs=0.02)
    ends = torch.tensor([[-1.0, 1.0]] * 50)
    assert torch.equal(binarised(ends), ends)
    assert torch.equal(binarised(x), binarised(x))
