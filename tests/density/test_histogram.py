"""A histogram integrates to one, counts what it is given, and draws what it says."""

import numpy as np
import pytest
import torch

from likeness.density.histogram import Histogram, histogram
from likeness.errors import InputError
from likeness.sampling import draw

X = torch.randn(2000, 2, generator=torch.Generator().manual_seed(0))


def grid(low: float, high: float, n: int) -> torch.Tensor:
    middles = low + (torch.arange(n) + 0.5) * (high - low) / n
    return torch.cartesian_prod(middles, middles)


@pytest.mark.parametrize("smoothing", [0.0, 1.0])
def test_it_integrates_to_one(smoothing: float) -> None:
    p = histogram(X, 16, low=torch.full((2,), -5.0), high=torch.full((2,), 5.0), smoothing=smoothing)
    assert p.log_prob(grid(-6, 6, 480)).double().exp().mean() * 144 == pytest.approx(1, abs=1e-6)


def test_it_is_numpys() -> None:
    x = X[:500].double()
    density, edges = np.histogramdd(x.numpy(), 7, density=True)
    middles = torch.cartesian_prod(*(torch.from_numpy((e[1:] + e[:-1]) / 2) for e in edges))
    assert np.allclose(histogram(x, 7).log_prob(middles).exp(), density.flatten())
    assert histogram(x, 7).log_prob(x).isfinite().all(), "the largest sample lies in the last cell"


def test_laplace_leaves_no_cell_empty() -> None:
    low, high = torch.full((2,), -9.0), torch.full((2,), 9.0)
    corner = torch.full((1, 2), 8.9)
    assert histogram(X, 9, low=low, high=high).log_prob(corner).isneginf()
    smooth = histogram(X, 9, low=low, high=high, smoothing=1)
    assert smooth.log_prob(corner).exp().item() == pytest.approx(1 / (2000 + 81) / 4, rel=1e-5)
    assert smooth.log_prob(corner + 1).isneginf()


def test_draws_follow_the_density() -> None:
    p = histogram(X, 6)
    again = histogram(draw(p.sample, 50_000, generator=0), 6, low=p.low, high=p.high)
    assert (again.counts / 50_000 - p.counts / 2000).abs().max() < 0.01
    assert torch.equal(draw(p.sample, 50, generator=3, batch_size=7), draw(p.sample, 50, generator=3))


def test_wrong_numbers_are_refused() -> None:
    one, ones = torch.zeros(1), torch.ones(1)
    with pytest.raises(InputError, match="smoothing -1"):
        Histogram(torch.ones(3, dtype=torch.int64), one, ones, smoothing=-1)
    with pytest.raises(InputError, match="corner"):
        Histogram(torch.ones(3, dtype=torch.int64), one, one)
    with pytest.raises(InputError, match="no sample lies"):
        Histogram(torch.zeros(3, dtype=torch.int64), one, ones)
    with pytest.raises(InputError, match="100 cells in each of 5"):
        histogram(torch.randn(10, 5), 100)
