import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from likeness.data.truth import Mixture
from likeness.diffusion.bound import bound, decoded, discretised, divergence, term
from likeness.diffusion.denoisers import Prediction, over
from likeness.diffusion.oracle import Exact
from likeness.diffusion.schedules import karras, linear
from likeness.diffusion.transitions import Steps, large, learned, small, transitions
from likeness.errors import InputError

STEPS = transitions(linear(100).levels(10))
ENDS = st.sampled_from([0.0, 1.0])


class Known:
    """The exact denoiser, that says too where its variances lie."""

    def __init__(self, D, v: float) -> None:
        self.D, self.v = D, v

    def __call__(self, x, sigma):
        return self.D(x, sigma)

    def predict(self, x, sigma):
        return Prediction(self.D(x, sigma), torch.full_like(x, self.v))


def normal_divergence(mean1, log1, mean2, log2):
    return (-1 + log2 - log1 + (log1 - log2).exp() + (mean1 - mean2).square() * (-log2).exp()) / 2


def test_a_term_is_the_published_one_in_its_own_unit() -> None:
    """L_t of x_t = √ᾱ x₀ + √(1 − ᾱ) ε by the published buffers, for all steps but the last."""
    kept = 1 / (1 + STEPS.sigma.square())
    before = 1 / (1 + STEPS.to.square())
    beta, k = 1 - kept / before, len(kept)
    posterior = beta * (1 - before) / (1 - kept)
    coef = beta * before.sqrt() / (1 - kept)
    x0, said = torch.randn(2, k, 3, dtype=torch.double)
    for variance, v, log_p in (
        (small, None, posterior.log()),
        (large, None, beta.log()),
        (learned, torch.full((k, 3), 0.3).double(), 0.3 * beta.log() + 0.7 * posterior.log()),
    ):
        wanted = normal_divergence(
            coef[:, None] * x0, posterior.log()[:, None], coef[:, None] * said, log_p[:, None]
        ).sum(1)
        found = term(STEPS, Prediction(said, v), x0, variance)
        torch.testing.assert_close(found[:-1], wanted[:-1], rtol=1e-6, atol=1e-6)


def test_a_term_at_the_true_posterior_is_zero() -> None:
    x0 = torch.randn(len(STEPS.to), 3, dtype=torch.double)
    assert float(divergence(STEPS, Prediction(x0), x0, small).abs().max()) < 1e-12
    assert float(divergence(STEPS, Prediction(x0 + 0.1), x0, small)[:-1].min()) > 0


@pytest.mark.parametrize(("v", "fixed"), [(0.0, small), (1.0, large)])
def test_the_ends_of_learned_variances_are_the_fixed_ones(v: float, fixed) -> None:
    x0, said = torch.randn(2, len(STEPS.to), 3, dtype=torch.double)
    at_end = divergence(STEPS, Prediction(said, torch.full_like(said, v)), x0, learned)
    torch.testing.assert_close(at_end[:-1], divergence(STEPS, Prediction(said), x0, fixed)[:-1])


@pytest.mark.parametrize("T", [3, 30])
def test_of_standard_normal_data_and_the_variance_that_is_right_for_them_the_bound_is_exact(T: int) -> None:
    """v = 1 is then the true step's variance, so that every draw of the noise has E of the bound = −log p(x₀)."""
    truth = Mixture(torch.zeros(1, 2), 1.0)
    x0 = truth.sample(4000, generator=1).double()
    found = bound(Known(Exact(truth), 1.0), x0, karras(T, 0.1, 500.0), learned).nats
    assert float((found + truth.log_prob(x0)).mean()) == pytest.approx(0, abs=0.08)


def test_the_bound_falls_to_the_entropy_as_the_steps_grow() -> None:
    truth = Mixture(torch.tensor([[0.5, -0.3]]), 0.4)
    x0 = truth.sample(4000, generator=1).double()
    entropy = float(-truth.log_prob(x0).mean())
    gaps = [
        float(bound(Known(Exact(truth), 1.0), x0, karras(T, 0.004, 100.0), learned).nats.mean()) - entropy
        for T in (10, 40, 160, 640)
    ]
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[0] > 0.4
    assert abs(gaps[-1]) < 0.04


def test_it_is_a_bound_whatever_the_denoiser() -> None:
    truth = Mixture(torch.zeros(1, 2), 0.5)
    x0 = truth.sample(2000, generator=1)
    entropy = float(-truth.log_prob(x0).mean())
    D = Exact(truth)
    for variance in (small, large):
        sigmas = linear(100).levels(100)
        exact = float(bound(D, x0, sigmas, variance).nats.mean())
        worse = float(bound(lambda x, sigma: 0.8 * D(x, sigma), x0, sigmas, variance).nats.mean())
        assert entropy < exact < worse


@given(mean=st.floats(-1.5, 1.5), log_s=st.floats(-5, 2), levels=st.sampled_from([2, 17, 256]))
def test_the_bins_of_a_gaussian_have_probability_one_together(mean: float, log_s: float, levels: int) -> None:
    x = torch.linspace(-1, 1, levels, dtype=torch.double)
    log_p = discretised(x, torch.full_like(x, mean), torch.full_like(x, 2 * log_s), levels)
    assert log_p.isfinite().all()
    assert float(log_p.logsumexp(0)) == pytest.approx(0, abs=1e-6)


def test_a_bin_far_from_the_mean_is_precise_and_has_a_gradient() -> None:
    mean = torch.tensor([0.9], requires_grad=True)
    log_p = discretised(torch.tensor([-0.5]), mean, torch.tensor([2 * math.log(0.01)]), 256)
    z = (-0.5 + 1 / 255 - 0.9) / 0.01  # of the nearer edge: the tail is φ(z)/|z|, of which the bin is nearly all
    assert float(log_p.detach()) == pytest.approx(-z * z / 2 - math.log(-z * math.sqrt(2 * math.pi)), abs=0.01)
    log_p.backward()
    assert float(mean.grad) == pytest.approx(z / 0.01, rel=0.01)
    ends = torch.tensor([-1.0, 1.0], requires_grad=True)
    discretised(torch.tensor([-1.0, 1.0]), ends, torch.zeros(2), 256).sum().backward()
    assert ends.grad.isfinite().all()


def test_terms_per_sample_are_those_of_each_step_alone() -> None:
    x0, said = torch.randn(2, 10, 2, 3, 3).clamp(-1, 1)
    each = [term(STEPS.at(slice(k, k + 1)), Prediction(said[k : k + 1]), x0[k : k + 1], small, 256) for k in range(10)]
    torch.testing.assert_close(term(STEPS, Prediction(said), x0, small, 256), torch.cat(each))
    torch.testing.assert_close(each[-1], decoded(STEPS.at(slice(9, 10)), Prediction(said[9:]), x0[9:], small, 256))


def test_pixels_of_levels_are_counted_in_bits_and_the_prior_apart() -> None:
    x0 = (torch.rand(50, 1, 4, 4) * 16).round() / 8 - 1

    grid = torch.linspace(-1, 1, 17)

    def uniform(x, sigma):
        """The exact denoiser of pixels that are uniform on the levels."""
        p = (-(x[..., None] - grid).square() / (2 * over(sigma, x).square()[..., None])).softmax(-1)
        return p @ grid

    found = bound(uniform, x0, karras(500, 0.01, 100.0), small, levels=17)
    assert found.steps.shape == (50, 500)
    assert math.log2(17) - 0.05 < float(found.bits_per_dim(16).mean()) < math.log2(17) + 0.1
    sigma = 100.0
    torch.testing.assert_close(found.prior, (x0.square().flatten(1).sum(1) / (2 * sigma**2)).double())
    short = bound(uniform, x0, karras(10, 0.01, 100.0), small, levels=17)
    assert float(short.nats.mean()) > float(found.nats.mean())


def test_what_cannot_be_bounded_is_refused() -> None:
    x = torch.zeros(2, 2)
    with pytest.raises(InputError, match=r"down to 0\.5"):
        bound(lambda x, sigma: x, x, torch.tensor([2.0, 0.5]).double())
    with pytest.raises(InputError, match="levels 1"):
        discretised(x, x, x, 1)
    with pytest.raises(InputError, match="learned variances"):
        term(Steps(*(p[:2] for p in STEPS)), Prediction(x), x, learned)
