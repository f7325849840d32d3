"""Exact for every Gaussian; a variance passes through; one measurement serves all draws."""

import pytest
import torch
from linear_posteriors import MASK, SEEN, D, off

from likeness.data.truth import Mixture
from likeness.diffusion.ddim import ddim
from likeness.diffusion.denoisers import Prediction, predict
from likeness.diffusion.measurements import masked, matrix
from likeness.diffusion.oracle import Exact
from likeness.diffusion.sampler import Diffused
from likeness.diffusion.schedules import cosine
from likeness.diffusion.tmpd import tmpd
from likeness.errors import InputError

LEVELS = cosine(1000).levels(200)


@pytest.mark.parametrize("noise", [0.1, 0.7])
def test_a_gaussian_becomes_its_posterior(noise: float) -> None:
    G = tmpd(D, masked(MASK).A, torch.tensor([[SEEN]]), noise=noise)
    mean, covariance = off(Diffused(G, ddim(), LEVELS, (3,))(8000, generator=0), noise)
    assert mean < 0.04
    assert covariance < 0.05


def test_it_is_the_denoiser_of_the_posterior() -> None:
    """D' = E[x₀ | x, y], by conditioning on both at once."""
    S = torch.tensor([[1.0, 0.5], [0.5, 2.0]]).double()
    M = torch.tensor([[1.0, -1.0], [0.3, 0.7]]).double()
    D2 = Exact(Mixture(torch.zeros(1, 2), torch.linalg.cholesky(S).float()[None]))
    x, sigma, y, v = torch.randn(6, 2).double(), torch.rand(6).double() + 0.3, torch.randn(6, 2).double(), 0.4
    found = tmpd(D2, matrix(M).A, y, noise=v)(x, sigma)
    for i in range(6):
        precision = torch.linalg.inv(S) + torch.eye(2) / sigma[i] ** 2 + M.T @ M / v**2
        wanted = torch.linalg.solve(precision, x[i] / sigma[i] ** 2 + M.T @ y[i] / v**2)
        torch.testing.assert_close(found[i], wanted, atol=1e-5, rtol=1e-5)


def test_what_else_is_predicted_passes_and_no_gradient_hangs_on_it() -> None:
    class Known:
        def __call__(self, x, sigma):
            return self.predict(x, sigma).x0

        def predict(self, x, sigma):
            return Prediction(0.5 * x, torch.full_like(x, 0.3))

    x = torch.randn(4, 3)
    with torch.no_grad():
        found = predict(tmpd(Known(), masked(MASK).A, torch.tensor([[SEEN]])), x, torch.ones(4))
    assert found.v is not None
    assert not found.x0.requires_grad
    torch.testing.assert_close(found.x0[:, 0], torch.full((4,), SEEN))
    torch.testing.assert_close(found.x0[:, 1:], 0.5 * x[:, 1:])


def test_bad_input_is_named() -> None:
    with pytest.raises(InputError, match="noise -1"):
        tmpd(D, masked(MASK).A, torch.tensor([[SEEN]]), noise=-1.0)
    with pytest.raises(InputError, match="one measurement a sample"):
        tmpd(D, masked(MASK).A, torch.zeros(2, 1))(torch.randn(3, 3), torch.ones(3))
