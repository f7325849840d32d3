"""With the exact ratio a wrong model draws from the true law; a learned one comes near; a clean one helps."""

import pytest
import torch
from torch import nn
from torch.optim import Adam

from likeness.core import train
from likeness.data.truth import Mixture
from likeness.diffusion.ddim import ddim
from likeness.diffusion.discriminator_guidance import NoisyRatio, discriminator_guided, ratio_guided
from likeness.diffusion.guidance_interval import within
from likeness.diffusion.oracle import Exact
from likeness.diffusion.sampler import Diffused
from likeness.diffusion.schedules import cosine
from likeness.errors import InputError
from likeness.refine import DensityRatio
from likeness.testing import check_method

TRUE = Mixture(torch.tensor([[-1.0, 0.0], [1.0, 0.5]]), 0.4, weights=torch.tensor([0.7, 0.3]))
WRONG = Mixture(torch.tensor([[-0.7, -0.3], [1.2, 0.2]]), 0.55, weights=torch.tensor([0.4, 0.6]))
D, LEVELS = Exact(WRONG), cosine(1000).levels(100)


def exact(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    return Exact(TRUE).log_prob(x, sigma) - D.log_prob(x, sigma)


def cost(D) -> float:
    """The nats a draw that true draws are more likely: 0 for the true law."""
    x = Diffused(D, ddim(), LEVELS, (2,))(4000, generator=0)
    return float(TRUE.log_prob(TRUE.sample(4000, generator=1)).mean() - TRUE.log_prob(x).mean())


def test_with_the_exact_ratio_it_is_the_denoiser_of_the_data() -> None:
    x, sigma = 2 * torch.randn(40, 2).double(), torch.rand(40).double() * 3 + 0.1
    torch.testing.assert_close(discriminator_guided(D, exact)(x, sigma), Exact(TRUE)(x, sigma), atol=1e-8, rtol=1e-8)
    assert discriminator_guided(D, exact, 0.0) is D


def test_draws_of_a_wrong_model_follow_the_true_law() -> None:
    x = Diffused(discriminator_guided(D, exact), ddim(), LEVELS, (2,))(20_000, generator=0)
    truth = TRUE.sample(20_000, generator=1)
    torch.testing.assert_close(x.mean(0), truth.mean(0), atol=0.03, rtol=0)
    torch.testing.assert_close(torch.cov(x.T), torch.cov(truth.T), atol=0.04, rtol=0)
    assert float((x[:, 0] < 0.1).float().mean()) == pytest.approx(0.7, abs=0.02)


def test_the_ratio_of_samples_without_noise_helps_where_there_is_little() -> None:
    ratio = DensityRatio(lambda x: TRUE.log_prob(x) - WRONG.log_prob(x))
    x, low, high = torch.randn(9, 2), torch.full((9,), 0.01), torch.full((9,), 2.0)
    G = ratio_guided(D, ratio, below=1.0)
    assert torch.equal(G(x, high), D(x, high))
    torch.testing.assert_close(G(x, low), Exact(TRUE)(x, low), atol=1e-4, rtol=0)
    assert cost(G) < 0.6 * cost(D)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 1))

    def forward(self, x, t):
        return self.body(torch.cat((x, t[:, None] / 1000), 1))


def test_contract() -> None:
    batch = (torch.randn(16, 2), torch.randn(16, 2) + 1)
    check_method(lambda: NoisyRatio(Net(), cosine(50)), batch, lambda m: Adam(m.parameters(), 1e-3))


def test_a_learned_ratio_takes_most_of_the_error_away() -> None:
    torch.manual_seed(0)
    model = NoisyRatio(Net(), cosine(1000))
    batches = ((TRUE.sample(256, generator=i), WRONG.sample(256, generator=10_000 + i)) for i in range(700))
    for _ in train(model, batches, Adam(model.parameters(), 3e-3)):
        pass
    x, sigma = TRUE.sample(2000, generator=5), torch.full((2000,), 0.5)
    noisy = x + 0.5 * torch.randn_like(x)
    assert float((model.log_ratio(noisy, sigma) - exact(noisy, sigma)).abs().mean()) < 0.15
    assert cost(within(discriminator_guided(D, model.log_ratio), D, high=20.0)) < 0.5 * cost(D)


def test_bad_input_is_named() -> None:
    with pytest.raises(InputError, match="4 real and 3 generated"):
        next(iter(NoisyRatio(Net(), cosine(50)).updates((torch.randn(4, 2), torch.randn(3, 2)))))
    with pytest.raises(InputError, match="low < high"):
        ratio_guided(D, lambda x: x.sum(1), below=0.0)
