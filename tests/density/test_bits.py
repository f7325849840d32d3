"""Bits of rounded data are known for densities that are flat, and bounded below by those of the rounded mass."""

import math

import pytest
import torch
from torch.distributions import Normal

from likeness.density.bits import bits_per_dim
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
