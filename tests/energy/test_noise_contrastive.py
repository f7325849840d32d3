import pytest
import torch
from torch import nn
from torch.optim import Adam

from likeness.core import train
from likeness.data.batch import Batch
from likeness.data.toys import ring
from likeness.data.truth import Mixture
from likeness.energy.noise_contrastive import NoiseContrastive
from likeness.energy.partition import normalised
from likeness.energy.walks import Walk
from likeness.errors import InputError
from likeness.nn.vector import VectorCritic
from likeness.testing import check_method


def test_contract() -> None:
    check_method(
        lambda: NoiseContrastive(VectorCritic(2, width=8), (2,), drawing=Walk(10)),
        Batch(torch.randn(9, 2)),
        lambda m: Adam(m.parameters()),
    )


class Parabola(nn.Module):
    """f of a Gaussian with mean m and precision e^a, before the constant."""

    def __init__(self) -> None:
        super().__init__()
        self.m, self.a = nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.a.exp() * (x - self.m).square().sum(1) / 2


def test_a_gaussian_and_its_constant_are_found_without_an_integral() -> None:
    truth = Mixture(torch.tensor([[1.0, -1.0]]), 0.7)
    method = NoiseContrastive(Parabola(), (2,))
    batches = (Batch(truth.sample(512, generator=i)) for i in range(500))
    for _ in train(method, batches, Adam(method.parameters(), 2e-2)):
        pass
    x = truth.sample(1000, generator=-1)
    assert float((method.log_prob(x) - truth.log_prob(x)).detach().abs().mean()) < 0.08
    assert normalised(method.energy, [(-6, 6)] * 2).log_z == pytest.approx(float(method.model.c), abs=0.08)


def test_noise_may_be_anything_with_a_density() -> None:
    class Noise:
        def sample(self, n, *, generator=None):
            return Mixture(torch.zeros(1, 2), 3.0).sample(n, generator=generator)

        def log_prob(self, x):
            return Mixture(torch.zeros(1, 2), 3.0).log_prob(x)

    method = NoiseContrastive(VectorCritic(2, width=8), (2,), noise=Noise())
    x = torch.randn(5, 2)
    expected = method.model(x) - Noise().log_prob(x) - torch.tensor(4.0).log()
    torch.testing.assert_close(method.logit(x), expected)


@pytest.mark.slow
def test_it_learns_modes_that_are_apart() -> None:
    truth = ring(8, std=0.2)
    method = NoiseContrastive(VectorCritic(2, width=128, activation=nn.LeakyReLU), (2,))
    before = normalised(method.energy, [(-4, 4)] * 2, cells=150).kl(truth, 5000)
    batches = (Batch(truth.sample(256, generator=i)) for i in range(400))
    for _ in train(method, batches, Adam(method.parameters(), 3e-3)):
        pass
    after = normalised(method.energy, [(-4, 4)] * 2, cells=150)
    assert after.kl(truth, 5000) < min(0.2, before / 5)
    assert after.log_z == pytest.approx(float(method.model.c), abs=0.4)


def test_no_noise_is_refused() -> None:
    with pytest.raises(InputError, match="nu 0"):
        NoiseContrastive(VectorCritic(2), (2,), nu=0)
