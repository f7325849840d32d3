import pytest
import torch

from likeness.data.toys import ring
from likeness.data.truth import Mixture
from likeness.diffusion.ddim import ddim, inverted
from likeness.diffusion.oracle import Exact
from likeness.diffusion.sampler import Diffused
from likeness.diffusion.schedules import cosine, karras
from likeness.errors import InputError


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_a_gaussian_comes_out_with_its_moments(eta: float) -> None:
    L = torch.tensor([[1.0, 0.0], [0.6, 0.5]])
    truth = Mixture(torch.tensor([[1.0, -2.0]]), L[None])
    x = Diffused(Exact(truth), ddim(eta), cosine(1000).levels(250), (2,))(20_000, generator=0)
    torch.testing.assert_close(x.mean(0), torch.tensor([1.0, -2.0]), atol=0.03, rtol=0)
    torch.testing.assert_close(torch.cov(x.T), L @ L.T, atol=0.03, rtol=0.03)


def test_without_noise_it_is_a_function_that_can_be_walked_back() -> None:
    D, levels = Exact(ring(8, std=0.2)), karras(2000, 1e-3, 10.0)
    sampler = Diffused(D, ddim(), levels, (2,))
    first, *_, last = sampler.states(200, generator=0)
    assert torch.equal(last, sampler(200, generator=0))
    again = inverted(D, last, levels)
    assert float((again - first).abs().max()) < 0.05 * 10
    *_, back = ddim()(D, again, levels, lambda: torch.zeros(200, 2))
    assert float((back - last).abs().mean()) < 1e-2


def test_with_all_noise_it_is_the_posterior_of_ddpm() -> None:
    """x' ~ N(√ᾱ' β/(1−ᾱ) x̂₀ + √(1−β)(1−ᾱ')/(1−ᾱ) x, (1−ᾱ')/(1−ᾱ) β), in the unit of that paper."""
    schedule = cosine(100)
    sigma, to = schedule.sigmas[50], schedule.sigmas[49]
    kept, kept_to, beta = 1 / (1 + sigma**2), 1 / (1 + to**2), schedule.betas[50]
    x0, x = torch.randn(2, 5, 3, dtype=torch.double)
    mean = kept_to.sqrt() * beta / (1 - kept) * x0 + (1 - beta).sqrt() * (1 - kept_to) / (1 - kept) * kept.sqrt() * x
    std = ((1 - kept_to) / (1 - kept) * beta).sqrt()
    levels = torch.stack((sigma, to))
    (still,) = ddim(1.0)(lambda x, s: x0, x, levels, lambda: torch.zeros_like(x))
    (moved,) = ddim(1.0)(lambda x, s: x0, x, levels, lambda: torch.ones_like(x))
    torch.testing.assert_close(still * kept_to.sqrt(), mean)
    torch.testing.assert_close((moved - still) * kept_to.sqrt(), std.expand_as(x))


def test_eta_out_of_range_is_named() -> None:
    with pytest.raises(InputError, match="eta 2"):
        ddim(2.0)
