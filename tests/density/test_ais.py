"""On a linear-Gaussian VAE, whose evidence is known: ELBO ≤ IW_k ≤ AIS ≈ log p(x) ≤ the way back."""

import pytest
import torch
from linear_gaussian import at_optimum, data
from linear_gaussian import evidence as exact
from torch import Tensor

from likeness.density.ais import evidence, gaussian_around
from likeness.density.vae import VAE
from likeness.errors import InputError
from likeness.sampling import Streams


@pytest.fixture(scope="module")
def vae() -> VAE:
    return at_optimum(data(), 2, 0.5).eval()


def drawn(vae: VAE, n: int) -> tuple[Tensor, Tensor]:
    """Simulated samples and the latents that they came from."""
    source = Streams(5)
    z = source.normal(n, vae.d_z)
    return vae.likelihood.sample(vae.D(z).detach(), source), z


def of(vae: VAE):
    return lambda x, z: vae.likelihood.log_prob(x, vae.D(z))


def test_the_order_of_bounds_with_an_encoder_that_is_off(vae: VAE) -> None:
    """The encoder is made worse: its bounds fall and what the decoder says does not."""
    x, _ = drawn(vae, 64)
    poor = at_optimum(data(), 2, 0.5).eval()
    poor.load_state_dict(vae.state_dict())
    with torch.no_grad():
        poor.E.bias[:2] += 0.5
    found = evidence(of(poor), x, d_z=2, chains=8, temperatures=80, leapfrogs=5).lower.float()
    truth = exact(vae, x)
    bounds = [poor.log_prob(x, k=k).mean() for k in (1, 16)]
    assert bounds[0] < bounds[1] - 0.1
    assert bounds[1] < found.mean() - 0.01
    assert float((found - truth).mean()) == pytest.approx(0, abs=0.1)
    assert float((found - truth).abs().max()) < 1.5


def test_simulated_samples_are_enclosed(vae: VAE) -> None:
    x, z = drawn(vae, 64)
    found = evidence(of(vae), x, d_z=2, z=z, chains=4, temperatures=60, leapfrogs=5)
    truth = exact(vae, x).mean()
    assert found.lower.mean() < truth + 0.02
    assert found.upper.mean() > truth - 0.02
    assert 0 < found.upper.mean() - found.lower.mean() < 0.5


def test_from_the_exact_posterior_it_is_exact(vae: VAE) -> None:
    x, _ = drawn(vae, 16)
    found = evidence(of(vae), x, d_z=2, q=vae.encode(x), chains=1, temperatures=3, leapfrogs=3)
    torch.testing.assert_close(found.lower.float(), exact(vae, x), atol=2e-3, rtol=0)


def test_a_decoder_without_noise_is_given_some(vae: VAE) -> None:
    x, _ = drawn(vae, 16)
    around = gaussian_around(vae.D, 0.5)
    z = torch.randn(16, 2)
    torch.testing.assert_close(around(x, z), vae.likelihood.log_prob(x, vae.D(z)))
    with pytest.raises(InputError, match="sigma 0"):
        gaussian_around(vae.D, 0.0)


def test_a_sample_is_found_the_same_in_any_batch(vae: VAE) -> None:
    x, _ = drawn(vae, 6)
    short = {"d_z": 2, "chains": 3, "temperatures": 5, "leapfrogs": 2}
    torch.testing.assert_close(evidence(of(vae), x[:2], **short).lower, evidence(of(vae), x, **short).lower[:2])


def test_no_chains_are_refused(vae: VAE) -> None:
    with pytest.raises(InputError, match="0 chains"):
        evidence(of(vae), torch.zeros(2, 5), d_z=2, chains=0)
