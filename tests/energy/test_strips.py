"""Row by row equals state by state and what is known in closed form; draws have the law's means."""

import math

import pytest
import torch
from torch import Tensor

from likeness.energy.lattice import DIAGONAL, NEAREST, Lattice, energy, ising
from likeness.energy.strips import enumerated, exact_draws, exact_means, log_partition, narrow, states
from likeness.errors import InputError
from likeness.sampling import Streams


def made(h: int, w: int, *, periodic: bool = False, offsets=DIAGONAL) -> Lattice:
    return Lattice(0.7 * torch.randn(len(offsets)), torch.randn(h, w), offsets, periodic)


@pytest.mark.parametrize("offsets", [NEAREST, DIAGONAL, ((-1, 0), (0, -1), (-1, 1))])
@pytest.mark.parametrize(
    ("h", "w", "periodic"), [(3, 4, False), (4, 3, False), (1, 5, False), (5, 1, False), (4, 4, True), (2, 4, True)]
)
def test_row_by_row_is_state_by_state(offsets, h: int, w: int, periodic: bool) -> None:
    law = made(h, w, periodic=periodic, offsets=offsets)
    log_Z, means = enumerated(law, h, w)
    torch.testing.assert_close(log_partition(law, h, w), log_Z)
    torch.testing.assert_close(exact_means(law, h, w).double(), means, atol=1e-5, rtol=1e-5)


def test_each_grid_of_many_has_its_own_constant() -> None:
    law = made(3, 4)
    many = law._replace(h=torch.randn(5, 1, 3, 4))
    each = torch.stack([log_partition(law._replace(h=h[0]), 3, 4) for h in many.h])
    torch.testing.assert_close(log_partition(many, 3, 4), each[:, None])
    torch.testing.assert_close(exact_means(many, 3, 4)[2, 0], exact_means(law._replace(h=many.h[2, 0]), 3, 4))


def kaufman(n: int, m: int, K: float) -> float:
    """log Z of a torus without a field. Bruria Kaufman. Crystal Statistics II. 1949."""
    c = math.cosh(2 * K) ** 2 / math.sinh(2 * K)
    gamma = [2 * K + math.log(math.tanh(K))] + [math.acosh(c - math.cos(math.pi * r / n)) for r in range(1, 2 * n)]
    odd, even = [gamma[2 * r + 1] for r in range(n)], [gamma[2 * r] for r in range(n)]
    parts = [math.prod(2 * f(m * g / 2) for g in gs) for gs in (odd, even) for f in (math.cosh, math.sinh)]
    return n * m / 2 * math.log(2 * math.sinh(2 * K)) + math.log(sum(parts) / 2)


@pytest.mark.parametrize("K", [0.2, 0.4406868, 0.7])
def test_a_torus_has_the_constant_of_kaufman(K: float) -> None:
    assert float(log_partition(ising(K, periodic=True), 6, 8)) == pytest.approx(kaufman(6, 8, K), rel=1e-6)


def test_a_long_strip_at_high_temperature_comes_to_the_free_energy_of_onsager() -> None:
    """Of what one more column of a long strip adds: log 2 + ∫∫ log(cosh² 2K − sinh 2K (cos a + cos b)) / 8π²."""
    K, grid = 0.2, torch.arange(0.5, 400) * 2 * math.pi / 400
    a = torch.log(math.cosh(2 * K) ** 2 - math.sinh(2 * K) * (grid[:, None].cos() + grid.cos()))
    onsager = math.log(2) + float(a.mean()) / 2
    per_row = [float(log_partition(ising(K), 40, w) - log_partition(ising(K), 39, w)) for w in (8, 9)]
    assert per_row[1] - per_row[0] == pytest.approx(onsager, abs=1e-5)


def test_a_chain_has_the_constant_of_ising() -> None:
    assert float(log_partition(ising(0.8), 30, 1)) == pytest.approx(math.log(2) + 29 * math.log(2 * math.cosh(0.8)))


@pytest.mark.parametrize(("h", "w"), [(2, 4), (4, 2)])
def test_draws_are_of_the_law_whichever_way_the_grid_lies(h: int, w: int) -> None:
    law, n = made(h, w), 40_000
    y = exact_draws(law, n, h, w, Streams(0))
    every = states(h, w)
    p = (-energy(law, every)).softmax(0)
    place = ((y.flatten(1) > 0).long() << torch.arange(h * w)).sum(1)
    counted = torch.bincount(place, minlength=len(p))
    chi = ((counted - n * p).square() / (n * p).clamp(min=1e-12))[n * p > 5].sum()
    cells = int((n * p > 5).sum())
    assert float(chi) < cells + 4 * (2 * cells) ** 0.5


def test_the_derivative_by_a_coupling_is_the_sum_of_its_pairs() -> None:
    J = torch.tensor([0.3, -0.2], requires_grad=True)
    (slope,) = torch.autograd.grad(log_partition(Lattice(J, torch.zeros(3, 3)), 3, 3), J)
    every = states(3, 3)
    p = (-energy(Lattice(J.detach(), torch.zeros(3, 3)), every)).softmax(0)
    across = (every[:, :, 1:] * every[:, :, :-1]).sum((1, 2))
    down = (every[:, 1:] * every[:, :-1]).sum((1, 2))
    torch.testing.assert_close(slope, torch.stack(((p * across).sum(), (p * down).sum())))


def test_what_is_too_wide_is_refused() -> None:
    assert narrow(10, 300)
    assert not narrow(11, 300)
    assert not narrow(8, 8, periodic=True)
    for ask in (
        lambda: log_partition(ising(1.0), 11, 12),
        lambda: states(5, 5),
        lambda: exact_draws(ising(1.0, periodic=True), 1, 4, 4, Streams(0)),
    ):
        with pytest.raises(InputError):
            ask()


def test_draws_belong_to_their_place() -> None:
    law = made(3, 3)
    whole: Tensor = exact_draws(law, 7, 3, 3, Streams(1))
    assert torch.equal(exact_draws(law, 3, 3, 3, Streams(1, 2)), whole[2:5])
