"""WGAN-GP: the contract, the paper's constants, and that its critic estimates a Wasserstein distance."""

import torch
from torch import nn
from torch.optim import Adam

from likeness.core import train
from likeness.data.batch import Batch
from likeness.gan.wgan_gp import optimisers, wgan_gp
from likeness.nn import MLP, VectorCritic
from likeness.testing import check_method


def test_contract() -> None:
    def build() -> nn.Module:
        return wgan_gp(MLP(3, 2, width=16), VectorCritic(2, width=16), d_z=3)

    check_method(build, Batch(torch.randn(8, 2)), optimisers, steps=5, idle=["D.head.linear.bias"])  # type: ignore[arg-type]


def test_the_papers_constants() -> None:
    gan = wgan_gp(MLP(1, 1), VectorCritic(1), d_z=1)
    assert gan.n_critic == 5
    assert gan.penalties[0].weight == 10
    moves = optimisers(gan)
    assert {m.defaults["betas"] for m in moves.values()} == {(0.0, 0.9)}
    assert {m.defaults["lr"] for m in moves.values()} == {1e-4}


class Fixed(nn.Module):
    """A generator of N(shift, 1) that does not learn."""

    def __init__(self, shift: float) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.tensor(shift))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return z + self.shift


def best_gap(m: float, lambda_: float) -> float:
    """The critic's gap at the optimum of (1) between N(0, 1) and N(m, 1), on a line.

    With Δ the difference of the distribution functions and ρ the density of x̂, the gap ∫ s Δ − λ ∫ ρ (s − 1)²
    is largest at the slope s = 1 + Δ / (2λρ). For λ → ∞ it is ∫ Δ = m, the Wasserstein distance.
    """
    x = torch.linspace(-6, m + 6, 4001, dtype=torch.float64)[:, None]
    u = torch.linspace(0, 1, 201, dtype=torch.float64)
    std = (u**2 + (1 - u) ** 2).sqrt()
    rho = torch.distributions.Normal((1 - u) * m, std).log_prob(x).exp().mean(1)
    normal = torch.distributions.Normal(0.0, 1.0)
    delta = (normal.cdf(x) - normal.cdf(x - m)).squeeze(1)
    s = 1 + delta / (2 * lambda_ * rho)
    return torch.trapezoid(s * delta, x.squeeze(1)).item()


def test_the_critics_gap_is_the_distance_between_two_shifted_laws() -> None:
    assert abs(best_gap(3.0, 1e6) - 3) < 1e-3
    gan = wgan_gp(Fixed(3.0), VectorCritic(1, width=32, depth=2), d_z=1, n_critic=10**9)
    moves = {gan.D: Adam(gan.D.parameters(), 3e-3, (0.0, 0.9))}
    gaps = []
    for step in train(gan, (Batch(torch.randn(256, 1)) for _ in range(600)), moves):
        gaps.append(-step.terms["critic"])
    assert abs(torch.stack(gaps[-300:]).mean() - best_gap(3.0, 10.0)) < 0.1
