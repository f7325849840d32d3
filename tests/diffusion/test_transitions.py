import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from likeness.diffusion.schedules import cosine, falling, linear
from likeness.diffusion.transitions import VARIANCES, Steps, large, learned, posterior_mean, small, transitions
from likeness.errors import InputError


def published(kept: torch.Tensor) -> dict[str, torch.Tensor]:
    """The buffers of the published code for these ᾱ, rising in time."""
    before = torch.cat((kept.new_ones(1), kept[:-1]))
    betas = 1 - kept / before
    posterior = betas * (1 - before) / (1 - kept)
    return {
        "before": before,
        "betas": betas,
        "coef1": betas * before.sqrt() / (1 - kept),
        "coef2": (1 - betas).sqrt() * (1 - before) / (1 - kept),
        "small": torch.cat((posterior[1:2], posterior[1:])).log(),
        "large": torch.cat((posterior[1:2], betas[1:])).log(),
    }


@pytest.mark.parametrize("sigmas", [linear(1000).levels(1000), cosine(200).levels(200), linear(1000).levels(25)])
def test_it_is_the_published_table_in_another_unit(sigmas: torch.Tensor) -> None:
    """Whole or respaced; a variance beside unscaled x' is (1 + σ'²) times that of α' x'."""
    steps = transitions(sigmas)
    wanted = published(1 / (1 + sigmas[:-1].flip(0).square()))
    unit = steps.to.square().log1p()
    like = torch.zeros(len(unit), 1, dtype=torch.double)
    torch.testing.assert_close((small(steps, like)[:, 0] - unit).flip(0), wanted["small"], rtol=1e-9, atol=1e-9)
    torch.testing.assert_close((large(steps, like)[:, 0] - unit).flip(0), wanted["large"], rtol=1e-9, atol=1e-9)
    torch.testing.assert_close((steps.log_large - unit).flip(0), wanted["betas"].log(), rtol=1e-9, atol=1e-9)
    x0, x = torch.randn(2, len(unit), 3, dtype=torch.double)
    mean = posterior_mean(steps, x0, x) / (1 + steps.to.square()).sqrt()[:, None]
    x_t = x / (1 + steps.sigma.square()).sqrt()[:, None]
    by_hand = wanted["coef1"].flip(0)[:, None] * x0 + wanted["coef2"].flip(0)[:, None] * x_t
    torch.testing.assert_close(mean, by_hand, rtol=1e-9, atol=1e-9)


@given(sigma=st.floats(0.01, 100), share=st.floats(0.01, 0.99), x0=st.floats(-3, 3), x=st.floats(-30, 30))
def test_the_posterior_is_that_of_bayes(sigma: float, share: float, x0: float, x: float) -> None:
    """q(x' | x, x₀) ∝ N(x'; x₀, σ'²) N(x; x', σ² − σ'²), integrated on a grid."""
    to = share * sigma
    step = transitions(torch.tensor([sigma, to], dtype=torch.double))
    mean = float(
        posterior_mean(step, torch.tensor([[x0]], dtype=torch.double), torch.tensor([[x]], dtype=torch.double))
    )
    std = float((step.log_small / 2).exp())
    grid = mean + std * torch.linspace(-9, 9, 4001, dtype=torch.double)
    log_p = -((grid - x0) ** 2) / (2 * to**2) - (x - grid) ** 2 / (2 * (sigma**2 - to**2))
    p = log_p.softmax(0)
    assert float((p * grid).sum()) == pytest.approx(mean, abs=1e-6 * std)
    assert float((p * (grid - mean) ** 2).sum()) == pytest.approx(std**2, rel=1e-6)


def test_learned_variances_lie_between_small_and_large() -> None:
    steps = transitions(cosine(50).levels(20)).at(torch.arange(19))
    x = torch.randn(19, 2, 4, 4)
    for v, end in ((0.0, small), (1.0, large)):
        torch.testing.assert_close(learned(steps, x, torch.full_like(x, v)), end(steps, x).expand_as(x))
    assert (large(steps, x) > small(steps, x)).all()
    with pytest.raises(InputError, match="learned variances"):
        learned(steps, x)


def test_large_is_right_for_standard_normal_data() -> None:
    """x' given x is Gaussian with variance (σ² − σ'²)(1 + σ'²)/(1 + σ²), by conditioning."""
    sigma, to = 3.0, 2.0
    step = transitions(torch.tensor([sigma, to], dtype=torch.double))
    conditional = (1 + to**2) - (1 + to**2) ** 2 / (1 + sigma**2)
    assert float(step.log_large.exp()) == pytest.approx(conditional)


def test_one_step_has_the_forward_variance() -> None:
    step = transitions(falling(torch.tensor([2.0], dtype=torch.double)))
    assert isinstance(step, Steps)
    assert float(small(step, torch.zeros(1, 1)).exp()) == pytest.approx(0.8)
    assert set(VARIANCES) == {"small", "large", "learned"}
