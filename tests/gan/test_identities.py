"""The theorems of the adversarial objective, on grids and against critics that are trained on samples."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.optim import Adam

from likeness.core import train
from likeness.data.batch import Batch
from likeness.gan import GAN
from likeness.gan.identities import fit_gaussian, gaussian, jsd, kl, optimal_critic, reverse_kl, value, value_at_optimum
from likeness.nn import VectorCritic

X = torch.linspace(-20, 20, 8001, dtype=torch.float64)
DX = float(X[1] - X[0])


def pair(w: float, s: float, std: float = 0.7) -> Tensor:
    return w * gaussian(X, -s, std) + (1 - w) * gaussian(X, s, std)


P, Q = pair(0.5, 2.0, 0.5), gaussian(X, 0.5, 1.5)


def test_the_value_of_the_optimal_critic_is_the_jensen_shannon_divergence() -> None:
    left, right = value(optimal_critic(P, Q), P, Q, DX), value_at_optimum(P, Q, DX)
    assert left == pytest.approx(-0.920008871675, abs=1e-9)
    assert left == pytest.approx(right, abs=1e-10)


@settings(max_examples=25, deadline=None)
@given(a=st.floats(-3, 3), b=st.floats(-3, 3), s=st.floats(0.4, 2), t=st.floats(0.4, 2), bend=st.floats(-0.2, 0.2))
def test_no_critic_does_better_and_jsd_is_bounded(a: float, b: float, s: float, t: float, bend: float) -> None:
    p, q = gaussian(X, a, s), gaussian(X, b, t)
    best = optimal_critic(p, q)
    worse = best + bend * torch.sin(X)
    assert value(best, p, q, DX) == pytest.approx(value_at_optimum(p, q, DX), abs=1e-6)
    assert value(worse, p, q, DX) <= value(best, p, q, DX) + 1e-12
    assert -1e-12 <= jsd(p, q, DX) <= math.log(2)
    assert jsd(p, q, DX) == pytest.approx(jsd(q, p, DX), abs=1e-12)


def test_limits() -> None:
    far = gaussian(X, -6.0, 0.3), gaussian(X, 6.0, 0.3)
    assert jsd(*far, DX) == pytest.approx(math.log(2), abs=1e-9)
    assert jsd(P, P, DX) == pytest.approx(0, abs=1e-12)
    assert value_at_optimum(P, P, DX) == pytest.approx(-math.log(4), abs=1e-12)
    nothing = torch.zeros(3, dtype=torch.float64)
    assert torch.equal(optimal_critic(nothing, nothing), nothing)
    apart = torch.tensor([0.0, 2.0], dtype=torch.float64)
    assert value(optimal_critic(apart, apart.flip(0)), apart, apart.flip(0), 0.5) == 0, (
        "no error where nothing overlaps"
    )


def test_kl_between_gaussians_is_the_closed_form() -> None:
    p, q = gaussian(X, 0.5, 0.8), gaussian(X, -0.3, 1.4)
    expected = math.log(1.4 / 0.8) + (0.8**2 + 0.8**2) / (2 * 1.4**2) - 0.5
    assert kl(p, q, DX) == pytest.approx(expected, abs=1e-6)
    assert reverse_kl(q, p, DX) == pytest.approx(expected, abs=1e-6)


FITS = [  # w, s, then (|mean|, std) for KL, reverse KL and JSD; by symmetry the sign is free where w = ½
    (0.7, 1.5, (0.60, 1.54), (0.60, 1.38), (0.60, 1.51)),
    (0.7, 2.0, (0.80, 1.96), (1.99, 0.72), (1.98, 0.73)),
    (0.7, 3.0, (1.20, 2.84), (3.00, 0.70), (3.00, 0.70)),
    (0.5, 2.0, (0.00, 2.12), (1.98, 0.73), (0.00, 2.09)),
    (0.5, 3.0, (0.00, 3.08), (3.00, 0.70), (3.00, 0.70)),
]


@pytest.mark.parametrize(("w", "s", "covers", "seeks", "between"), FITS)
def test_which_modes_a_single_gaussian_takes(
    w: float, s: float, covers: tuple[float, float], seeks: tuple[float, float], between: tuple[float, float]
) -> None:
    """KL matches the moments of all modes, reverse KL takes one, JSD takes one only where they are well apart."""
    for divergence, (mean, std) in ((kl, covers), (reverse_kl, seeks), (jsd, between)):
        found = fit_gaussian(divergence, pair(w, s), X)
        assert abs(found.mean) == pytest.approx(mean, abs=0.011)
        assert found.mean < 0.1 or w == 0.5, "the heavier mode is on the left"
        assert found.std == pytest.approx(std, abs=0.011)


class Sampler(nn.Module):
    """A generator that does not learn: z is turned into a sample of a fixed law."""

    def __init__(self, mean: float, std: float) -> None:
        super().__init__()
        self.mean, self.std = nn.Parameter(torch.tensor(mean)), std

    def forward(self, z: Tensor) -> Tensor:
        return self.mean + self.std * z


def train_critic(G: nn.Module, real: Tensor, steps: int) -> tuple[GAN, list[float]]:
    gan = GAN(G, VectorCritic(1, width=64, depth=2), d_z=1, n_critic=10**9)
    moves = {gan.D: Adam(gan.D.parameters(), 3e-3)}
    losses = []
    for step in train(gan, (Batch(real[torch.randint(len(real), (512,))]) for _ in range(steps)), moves):
        losses.append(float(step.terms["critic"]))
        moves[gan.D].param_groups[0]["lr"] = 3e-3 * (1 - step.iteration / steps)
    return gan.eval(), losses


def test_a_critic_trained_on_samples_approaches_the_optimal_one() -> None:
    sign = torch.randint(2, (20000, 1)) * 2 - 1
    gan, losses = train_critic(Sampler(0.5, 1.5), 2.0 * sign + 0.5 * torch.randn(20000, 1), 800)
    D = gan.D(X.float()[:, None]).double()
    assert ((D.sigmoid() - optimal_critic(P, Q).sigmoid()).abs() * P).sum() * DX < 0.05
    assert sum(losses[-200:]) / 200 == pytest.approx(0.920, abs=0.03)


def test_against_its_own_law_the_critic_is_left_with_log_four() -> None:
    gan, losses = train_critic(Sampler(0.0, 1.0), torch.randn(20000, 1), 400)
    assert sum(losses[-100:]) / 100 == pytest.approx(math.log(4), abs=0.01)
    real, fake = gan.D(torch.randn(4000, 1)), gan.D(torch.randn(4000, 1))
    accuracy = ((real > 0).float().mean() + (fake <= 0).float().mean()) / 2
    assert accuracy.item() == pytest.approx(0.5, abs=0.03)
