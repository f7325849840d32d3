"""Unrolled GAN: the contract, its limit K = 0, and its gradient against finite differences."""

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, Optimizer

from likeness.core import train
from likeness.data.batch import Batch
from likeness.errors import InputError
from likeness.gan import GAN, Penalty, r1, unrolled
from likeness.gan.unrolled import at
from likeness.nn import MLP, VectorCritic
from likeness.testing import check_method


def players(gan: nn.Module) -> dict[nn.Module, Optimizer]:
    return {gan.D: Adam(gan.D.parameters(), 1e-3), gan.G: Adam(gan.G.parameters(), 1e-3)}


def game(K: int, classes: int = 0, **options: object) -> GAN:
    labels = torch.ones(classes) if classes else None
    G, D = MLP(3, 2, width=16, activation=nn.Tanh, classes=classes), VectorCritic(2, width=16, classes=classes)
    return GAN(G, D, d_z=3, opponent=unrolled(K, eta=0.1), labels=labels, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [{}, {"classes": 2}, {"penalty": Penalty(r1, 0.1)}, {"n_critic": 2}])
def test_contract(options: dict[str, object]) -> None:
    batch = Batch(torch.randn(8, 2), torch.arange(8) % 2)
    check_method(lambda: game(3, **options), batch, players, steps=4)  # type: ignore[arg-type]


def test_looking_ahead_by_nothing_is_the_ordinary_game() -> None:
    ends = []
    for opponent in ({"opponent": unrolled(0, eta=0.1)}, {}):
        torch.manual_seed(0)
        gan = GAN(MLP(3, 2), VectorCritic(2), d_z=3, **opponent)
        for _ in train(gan, [Batch(torch.randn(8, 2)) for _ in range(4)], players(gan)):
            pass
        ends.append(gan.state_dict())
    assert all(torch.equal(ends[0][k], ends[1][k]) for k in ends[0])


def test_the_opponent_is_the_critic_after_k_ordinary_moves() -> None:
    gan = game(3)
    real, fake = torch.randn(8, 2), torch.randn(8, 2)

    def loss(D: nn.Module) -> Tensor:
        return gan.critic_terms(D, real, fake, {})["critic"]

    ahead = gan.opponent(gan.D, loss)
    expected = ahead(real)
    mover = SGD(gan.D.parameters(), 0.1)
    for _ in range(3):
        mover.zero_grad()
        loss(gan.D).backward()
        mover.step()
    torch.testing.assert_close(expected, gan.D(real), atol=1e-5, rtol=1e-5)


def test_the_generators_gradient_goes_through_the_inner_moves() -> None:
    """It equals the slope of L_G(θ_G, θ_D^K(θ_G)) by finite differences, and differs from that at K = 0."""
    gan = game(4).double()
    gan.D = VectorCritic(2, width=16, activation=nn.Tanh).double()
    z, real = torch.randn(8, 3, dtype=torch.float64), torch.randn(8, 2, dtype=torch.float64)
    w = gan.G.entry.linear.weight

    def value() -> Tensor:
        return gan.generator_terms(z, real, {})["generator"]

    (g,) = torch.autograd.grad(value(), w)
    h = 1e-5
    w.data[1, 1] += h
    up = value()
    w.data[1, 1] -= 2 * h
    down = value()
    w.data[1, 1] += h
    assert g[1, 1].item() == pytest.approx(((up - down) / (2 * h)).item(), rel=1e-5)
    gan.opponent = unrolled(0, eta=0.1)
    (plain,) = torch.autograd.grad(value(), w)
    assert not torch.allclose(g, plain, rtol=1e-3)


def test_the_critic_at_other_parameters() -> None:
    D, other, x = VectorCritic(2), VectorCritic(2), torch.randn(3, 2)
    assert torch.equal(at(D, dict(other.named_parameters()))(x), other(x))


@pytest.mark.parametrize(("K", "eta"), [(-1, 0.1), (2, 0.0)])
def test_bad_numbers(K: int, eta: float) -> None:
    with pytest.raises(InputError, match="unrolled"):
        unrolled(K, eta=eta)
