"""What latents carry is known for posteriors made by hand, and the alarm is raised when and only when it should be."""

import pytest
import torch
from linear_gaussian import at_optimum, data, spectrum
from torch.distributions import MultivariateNormal, kl_divergence

from likeness.density.collapse import active, aggregate_gap, collapsed_levels, findings, rate, use
from likeness.density.latents import Posterior


def made(n: int = 20_000, spread: float = 1.0, unused: int = 0) -> Posterior:
    """Codes N(0, 0.64 spread²) with variance 0.36, whose aggregate is N(0, I) for spread 1, and some unused latents."""
    mean = torch.cat((0.8 * spread * torch.randn(n, 3), torch.zeros(n, unused)), 1)
    variance = torch.cat((torch.full((n, 3), 0.36), torch.ones(n, unused)), 1)
    return Posterior(mean, variance.log())


def test_a_posterior_that_is_the_prior_carries_nothing_and_is_told() -> None:
    found = use(Posterior(torch.zeros(10, 4), torch.zeros(10, 4)))
    assert (found.nats, found.gap, int(found.active.sum())) == (0, 0, 0)
    assert [f.code for f in findings(found)] == ["posterior-collapse"]


def test_the_cause_is_named_where_it_is_known() -> None:
    nothing = use(Posterior(torch.zeros(10, 4), torch.zeros(10, 4)))
    (caused,) = findings(nothing, sigma=2.8, largest=5.1)
    assert "σ = 2.8 exceeds" in caused.saw
    assert "averaging" in caused.remedy
    (other,) = findings(nothing, sigma=0.1, largest=5.1)
    assert "warm-up" in other.remedy


def test_used_and_unused_latents_are_told_apart() -> None:
    q = made(unused=5)
    assert active(q).tolist() == [True] * 3 + [False] * 5
    assert (rate(q)[3:] == 0).all()
    torch.testing.assert_close(
        rate(q)[:3], torch.full((3,), (0.64 + 0.36 - 1 - torch.tensor(0.36).log()) / 2), rtol=0.02, atol=0
    )
    assert [f.code for f in findings(use(q))] == ["unused-latents"]


def test_a_healthy_model_gives_no_finding() -> None:
    assert findings(use(made())) == []


def test_the_gap_is_that_of_the_moments() -> None:
    assert float(aggregate_gap(made())) == pytest.approx(0, abs=1e-3)
    q = made(spread=3.0)
    S = torch.cov(q.mean.T, correction=0) + 0.36 * torch.eye(3)
    prior = MultivariateNormal(torch.zeros(3), torch.eye(3))
    torch.testing.assert_close(
        aggregate_gap(q), kl_divergence(MultivariateNormal(q.mean.mean(0), S), prior), rtol=1e-3, atol=1e-4
    )
    assert [f.code for f in findings(use(q))] == ["aggregate-posterior"]


def test_at_the_optimum_of_a_linear_vae_codes_agree_with_the_prior_and_rates_are_known() -> None:
    x = data()
    values, _ = spectrum(x)
    q = at_optimum(x, 2, 0.5).encode(x)
    assert float(aggregate_gap(q)) == pytest.approx(0, abs=1e-3)
    torch.testing.assert_close(rate(q), (values[:2] / 0.25).log() / 2, rtol=1e-3, atol=1e-3)


def test_the_levels_that_carry_nothing_are_named() -> None:
    assert collapsed_levels([3.0, 2.0]) == []
    (top,) = collapsed_levels([0.01, 2.0])
    assert "level 2 (the top)" in top.saw
    (two,) = collapsed_levels([0.01, 2.0, 0.0])
    assert "level 3 (the top) and 1 has" in two.saw
    assert collapsed_levels([0.01])[0].code == "posterior-collapse"
