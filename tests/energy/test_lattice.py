"""The energy by its definition, what acts on a spin, evidence by Bayes' rule, and colours that never touch."""

from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from likeness.energy.lattice import (
    DIAGONAL,
    NEAREST,
    Lattice,
    binary,
    colours,
    energy,
    flips,
    gaussian,
    ising,
    local,
    pseudo_log_likelihood,
)
from likeness.errors import InputError

SIDES = st.integers(1, 5)


def made(h: int, w: int, *, periodic: bool = False, offsets=DIAGONAL) -> Lattice:
    return Lattice(torch.randn(len(offsets)), torch.randn(h, w), offsets, periodic)


def spins(n: int, h: int, w: int) -> torch.Tensor:
    return binary(torch.randn(n, h, w))


def slow(law: Lattice, y: torch.Tensor) -> float:
    """Bond by bond."""
    h, w = y.shape
    total = -float((law.h * y).sum())
    for r, c in product(range(h), range(w)):
        for J, (i, j) in zip(law.J, law.offsets, strict=True):
            a, b = (r + i, c + j) if not law.periodic else ((r + i) % h, (c + j) % w)
            if 0 <= a < h and 0 <= b < w:
                total -= float(J * y[r, c] * y[a, b])
    return total


@settings(deadline=None)
@given(SIDES, SIDES, st.booleans())
def test_the_energy_is_the_sum_over_bonds(h: int, w: int, periodic: bool) -> None:
    law, y = made(h, w, periodic=periodic), spins(3, h, w)
    expected = torch.tensor([slow(law, each) for each in y])
    torch.testing.assert_close(energy(law, y), expected, atol=1e-4, rtol=1e-4)


@settings(deadline=None)
@given(st.integers(1, 3), st.integers(1, 3), st.booleans())
def test_what_acts_on_a_spin_is_half_of_what_turning_it_over_costs(h: int, w: int, periodic: bool) -> None:
    h, w = (2 * h, 2 * w) if periodic else (h, w)
    law, y = made(h, w, periodic=periodic), spins(2, h, w)
    a = local(law, y)
    for r, c in product(range(h), range(w)):
        up, down = y.clone(), y.clone()
        up[:, r, c], down[:, r, c] = 1, -1
        torch.testing.assert_close(a[:, r, c], (energy(law, down) - energy(law, up)) / 2, atol=1e-4, rtol=1e-4)


def test_without_a_field_all_spins_turned_over_have_the_same_energy() -> None:
    law, y = made(4, 5)._replace(h=torch.zeros(())), spins(6, 4, 5)
    torch.testing.assert_close(energy(law, y), energy(law, -y))
    assert not torch.allclose(energy(made(4, 5), y), energy(made(4, 5), -y))


def test_evidence_is_bayes_rule() -> None:
    x = torch.tensor([1.0, -1.0])
    torch.testing.assert_close((2 * flips(x, 0.2)).sigmoid(), torch.tensor([0.8, 0.2]))
    x = torch.tensor([0.3, -1.7])
    ratio = -((x - 1) ** 2) / (2 * 0.49) + (x + 1) ** 2 / (2 * 0.49)
    torch.testing.assert_close(2 * gaussian(x, 0.7), ratio)
    law = ising(0.5, 0.1).given(x[None])
    torch.testing.assert_close(law.h, 0.1 + x[None])
    assert law.at(2.0).J.tolist() == [1.0, 1.0]


def test_the_pseudo_likelihood_of_free_spins_is_their_likelihood() -> None:
    law, y = ising(0.0, torch.randn(2, 3)), spins(5, 2, 3)
    expected = -energy(law, y) - torch.log(2 * torch.cosh(law.h)).sum()
    torch.testing.assert_close(pseudo_log_likelihood(law, y), expected)


@pytest.mark.parametrize("offsets", [NEAREST, DIAGONAL])
@pytest.mark.parametrize(("h", "w", "periodic"), [(3, 4, False), (1, 6, False), (4, 6, True)])
def test_no_spin_acts_on_one_of_its_colour(offsets, h: int, w: int, periodic: bool) -> None:
    law = made(h, w, periodic=periodic, offsets=offsets)
    masks = colours(law, h, w)
    assert torch.stack(list(masks)).sum(0).eq(1).all()
    y = spins(1, h, w)
    for there in masks:
        moved = torch.where(there, -y, y)
        torch.testing.assert_close(local(law, y)[:, there], local(law, moved)[:, there])


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="a periodic grid of 3 × 4: its sides are even"):
        colours(ising(1.0, periodic=True), 3, 4)
    with pytest.raises(InputError, match="one column away"):
        colours(Lattice(torch.ones(1), torch.zeros(()), ((0, 2),)), 3, 4)
    with pytest.raises(InputError, match=r"flips 0\.5"):
        flips(torch.ones(1), 0.5)
    with pytest.raises(InputError, match="sigma 0"):
        gaussian(torch.ones(1), 0.0)
