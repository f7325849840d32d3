"""Exact where one variance holds for all directions, near where values are correlated."""

import pytest
import torch
from linear_posteriors import MASK, SEEN, D, off

from likeness.data.truth import Mixture
from likeness.diffusion.ddim import ddim
from likeness.diffusion.measurements import linear, masked, matrix, pooled
from likeness.diffusion.oracle import Exact
from likeness.diffusion.pigdm import pigdm
from likeness.diffusion.sampler import Diffused
from likeness.diffusion.schedules import cosine
from likeness.errors import InputError

LEVELS = cosine(1000).levels(100)


def test_it_is_the_denoiser_of_the_posterior_of_a_standard_normal() -> None:
    torch.manual_seed(0)
    D2, M, v = Exact(Mixture(torch.zeros(1, 4), 1.0)), torch.randn(2, 4).double(), 0.4
    x, sigma, y = torch.randn(6, 4).double(), torch.rand(6).double() + 0.3, torch.randn(6, 2).double()
    found = pigdm(D2, matrix(M), y, noise=v)(x, sigma)
    for i in range(6):
        precision = torch.eye(4) * (1 + 1 / sigma[i] ** 2) + M.T @ M / v**2
        wanted = torch.linalg.solve(precision, x[i] / sigma[i] ** 2 + M.T @ y[i] / v**2)
        torch.testing.assert_close(found[i], wanted, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("eta", [0.0, 1.0])
@pytest.mark.parametrize("noise", [0.1, 0.5])
def test_correlated_values_hear_of_it_nearly_right(noise: float, eta: float) -> None:
    G = pigdm(D, masked(MASK), torch.tensor([[SEEN]]), noise=noise)
    mean, covariance = off(Diffused(G, ddim(eta), LEVELS, (3,))(10_000, generator=0), noise)
    assert mean < 0.12
    assert covariance < 0.06


def test_without_noise_the_measurement_is_met() -> None:
    D2 = Exact(Mixture(torch.zeros(1, 16), 1.0))
    image = lambda x, s: D2(x.flatten(1), s).reshape(x.shape)  # noqa: E731
    y = torch.randn(1, 1, 2, 2)
    for row in (pooled(2), linear(pooled(2).A, (1, 4, 4))):
        x = Diffused(pigdm(image, row, y), ddim(), LEVELS, (1, 4, 4))(200, generator=0)
        torch.testing.assert_close(pooled(2).A(x), y.expand(200, -1, -1, -1), atol=0.02, rtol=0)
        assert float(x.var(0).mean()) == pytest.approx(0.75, abs=0.1), "what is not measured stays free"


def test_bad_input_is_named() -> None:
    with pytest.raises(InputError, match="noise -1"):
        pigdm(D, masked(MASK), torch.tensor([[SEEN]]), noise=-1.0)
    with pytest.raises(InputError, match="one measurement a sample"):
        pigdm(D, masked(MASK), torch.zeros(2, 1))(torch.randn(3, 3), torch.ones(3))
