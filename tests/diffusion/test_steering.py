"""Guidance is Bayes' rule where its log density is known, belongs to each sample alone, and lets variances through."""

import pytest
import torch
from torch import nn

from likeness.data.truth import Mixture
from likeness.diffusion.ddim import ddim
from likeness.diffusion.denoisers import PARAMETERISATIONS, Preconditioned, Prediction, predict
from likeness.diffusion.oracle import Exact
from likeness.diffusion.sampler import Diffused
from likeness.diffusion.schedules import cosine
from likeness.diffusion.steering import (
    Posterior,
    alike,
    extrapolated,
    guided,
    labels_of,
    pushed,
    slope,
    unknown_variance,
)
from likeness.errors import InputError

M, S = torch.tensor([1.0, -0.5]), torch.tensor([[1.0, 0.6], [0.6, 0.8]])
A, V, Y, SCALE = torch.tensor([1.0, 0.5]), 0.3, 2.5, 3.0  # y = A·x + N(0, V)


def exactly(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """log p(y|x)^s of x₀ ~ N(M, S) seen with noise, at every level the true one of y's power s: N(y; A·x₀, V/s)."""
    S_, M_, A_ = S.to(x), M.to(x), A.to(x)
    noisy = S_ + sigma.square()[:, None, None] * torch.eye(2).to(x)
    gain = S_ @ torch.linalg.inv(noisy)
    mean = M_ + torch.einsum("nij,nj->ni", gain, x - M_)
    variance = torch.einsum("i,nij,j->n", A_, S_ - gain @ S_, A_) + V / SCALE
    return -(Y - mean @ A_).square() / (2 * variance)


@pytest.mark.parametrize("steer", [guided, pushed])
@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_a_gaussian_becomes_the_product_with_the_likelihood(steer, eta: float) -> None:
    """N(x; M, S) N(y; A·x, V)^s ∝ N(x; m', S'), S'⁻¹ = S⁻¹ + s A Aᵀ / V."""
    D = Exact(Mixture(M[None], torch.linalg.cholesky(S)[None]))
    levels = cosine(1000).levels(200)
    x = Diffused(steer(D, exactly), ddim(eta), levels, (2,))(20_000, generator=0)
    covariance = torch.linalg.inv(torch.linalg.inv(S) + SCALE * torch.outer(A, A) / V)
    mean = covariance @ (torch.linalg.inv(S) @ M + SCALE * Y * A / V)
    torch.testing.assert_close(x.mean(0), mean, atol=0.03, rtol=0)
    torch.testing.assert_close(torch.cov(x.T), covariance, atol=0.03, rtol=0)


def test_the_scale_multiplies_the_gradient_and_none_is_the_model_itself() -> None:
    D, x, sigma = Exact(Mixture(M[None], 0.5)), torch.randn(30, 2), torch.rand(30) + 0.1
    once, thrice = (guided(D, exactly, s)(x, sigma) - D(x, sigma) for s in (1.0, 3.0))
    torch.testing.assert_close(thrice, 3 * once, atol=1e-4, rtol=1e-4)
    assert float(once.abs().min()) > 0
    assert guided(D, exactly, 0.0) is D
    assert pushed(D, exactly, 0.0) is D
    torch.testing.assert_close(pushed(D, exactly, 3.0)(x, sigma), guided(D, exactly, 3.0)(x, sigma))


def test_the_gradient_is_that_of_the_density() -> None:
    x, sigma = torch.randn(6, 2).double(), torch.rand(6).double() + 0.1
    found, h = slope(exactly, x, sigma), 1e-5
    for j in range(2):
        e = h * torch.eye(2).double()[j]
        wanted = (exactly(x + e, sigma) - exactly(x - e, sigma)) / (2 * h)
        torch.testing.assert_close(found[:, j], wanted, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("without", [torch.no_grad, torch.inference_mode])
def test_callers_without_gradients_get_it_and_nothing_hangs_on_it(without) -> None:
    D = Exact(Mixture(M[None], 0.5))
    with without():
        x, sigma = torch.randn(5, 2), torch.ones(5)
        told = guided(D, exactly)(x, sigma)
        assert not torch.equal(told, D(x, sigma))
        assert not told.requires_grad
        assert not Posterior(D, lambda x0, s: -x0.square().sum(1), 1.0)(x, sigma).requires_grad


def test_a_sample_is_steered_by_itself_alone() -> None:
    D, x, sigma = Exact(Mixture(M[None], 0.5)), torch.randn(8, 2), torch.rand(8) + 0.1
    whole = guided(D, exactly)(x, sigma)
    other = x.clone()
    other[1:] += 1
    torch.testing.assert_close(guided(D, exactly)(other, sigma)[0], whole[0], atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(guided(D, exactly)(x[:1], sigma[:1])[0], whole[0], atol=1e-6, rtol=1e-6)


class Twice(nn.Module):
    def forward(self, x, t):
        return torch.cat((x, torch.full_like(x, 0.5)), 1)


def test_a_variance_passes_and_a_push_stays_apart_until_it_is_called() -> None:
    D = Preconditioned(Twice(), PARAMETERISATIONS["x0"], torch.log, learned=True)
    x, sigma = torch.randn(4, 2), torch.full((4,), 2.0)
    plain = predict(D, x, sigma)
    within, apart = predict(guided(D, exactly, 2.0), x, sigma), predict(pushed(D, exactly, 2.0), x, sigma)
    for found in (within, apart, predict(Posterior(D, exactly, 1.0), x, sigma)):
        assert found.v is not None
        torch.testing.assert_close(found.v, torch.full_like(x, 0.75))
    torch.testing.assert_close(apart.x0, plain.x0)
    assert apart.push is not None
    assert within.push is None
    torch.testing.assert_close(apart.x0 + 4 * apart.push, within.x0)
    again = predict(pushed(pushed(D, exactly, 2.0), exactly, 1.0), x, sigma)
    assert again.push is not None
    torch.testing.assert_close(again.push, 1.5 * apart.push)


def test_a_posterior_has_the_gradient_through_the_denoiser() -> None:
    D = Exact(Mixture(torch.randn(3, 2).double(), 0.5))
    x, sigma = torch.randn(5, 2).double(), torch.full((5,), 0.8, dtype=torch.double)
    g = lambda x0, s: -(x0 - 1).square().sum(1)  # noqa: E731
    whole = guided(D, lambda x, s: g(D(x, s), s), 0.7)(x, sigma)
    torch.testing.assert_close(Posterior(D, g, 0.7)(x, sigma), whole)


def test_extrapolation_at_its_ends_and_beyond() -> None:
    a, b, v = torch.randn(3, 2), torch.randn(3, 2), torch.rand(3, 2)
    away, towards = Prediction(a), Prediction(b, v)
    torch.testing.assert_close(extrapolated(away, towards, 0).x0, a)
    torch.testing.assert_close(extrapolated(away, towards, 1).x0, b)
    torch.testing.assert_close(extrapolated(away, towards, 3).x0, a + 3 * (b - a))
    assert extrapolated(away, towards, 3).v is v


def test_what_is_unknown_of_a_standard_normal() -> None:
    D, x = Exact(Mixture(torch.zeros(1, 1), 1.0)), torch.zeros(1, 1, requires_grad=True)
    sigma = torch.tensor([0.7])
    (J,) = torch.autograd.grad(D(x, sigma).sum(), x)
    torch.testing.assert_close(sigma.square() * J[0], unknown_variance(sigma))


def test_bad_input_is_named() -> None:
    D, x = Exact(Mixture(M[None], 0.5)), torch.randn(4, 2)
    with pytest.raises(InputError, match="one number each"):
        guided(D, lambda x, s: x.sum())(x, torch.ones(4))
    with pytest.raises(InputError, match="none were given"):
        labels_of(None, 3)
    for wrong, told in ((torch.tensor([0, 3]), "class 3"), (torch.tensor([-1, 0]), "class -1")):
        with pytest.raises(InputError, match=told):
            labels_of(wrong, 3)
    assert alike(torch.ones(1, 2), x).shape == x.shape
    with pytest.raises(InputError, match="one measurement a sample"):
        alike(torch.ones(3, 2), x)
