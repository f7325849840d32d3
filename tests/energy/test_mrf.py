"""Two labels are the Ising model; several have the law of all states; energies never rise."""

from itertools import product

import torch

from likeness.chains.state import last
from likeness.energy import lattice
from likeness.energy.lattice import DIAGONAL, binary, ising
from likeness.energy.mrf import Field, costs, energy, icm, potts, sweeps
from likeness.energy.restoration import settled
from likeness.energy.restoration import sweeps as spin_sweeps
from likeness.sampling import Streams


def made(k: int, h: int, w: int, *, periodic: bool = False) -> Field:
    """Costs of pairs that depend on which of the two is which."""
    return Field(torch.randn(k, h, w), torch.randn(4, k, k), DIAGONAL, periodic)


def test_two_labels_are_spins() -> None:
    J, h = 0.7, torch.randn(5, 6)
    spins = ising(J, h)
    law = Field(torch.stack((h, -h)), potts(2 * J, 2))
    y = binary(torch.randn(9, 5, 6))
    labels = (y > 0).long()
    difference = energy(law, labels) - lattice.energy(spins, y)
    torch.testing.assert_close(difference, difference[:1].expand(9), atol=1e-4, rtol=0)
    C = costs(law, labels)
    torch.testing.assert_close(C[:, 0] - C[:, 1], 2 * lattice.local(spins, y), atol=1e-4, rtol=1e-4)
    *_, end = icm(law, labels)
    assert torch.equal(end, (settled(spins, y) > 0).long())
    drawn = last(sweeps(law, labels.expand(9, 5, 6), steps=200, source=Streams(0))).float().mean()
    assert (
        abs(float(drawn) - float((last(spin_sweeps(spins, y, steps=200, source=Streams(1))) > 0).float().mean())) < 0.1
    )


def test_a_cost_is_what_the_energy_changes_by() -> None:
    for periodic in (False, True):
        law, y = made(3, 4, 2, periodic=periodic), torch.randint(3, (5, 4, 2))
        C = costs(law, y)
        for r, c, k in product(range(4), range(2), range(3)):
            other = y.clone()
            other[:, r, c] = k
            here = C[:, :, r, c].gather(1, y[:, r, c, None])[:, 0]
            torch.testing.assert_close(energy(law, other) - energy(law, y), C[:, k, r, c] - here, atol=1e-4, rtol=1e-4)


def test_sweeps_have_the_marginals_of_all_states() -> None:
    law = made(3, 2, 3)
    every = torch.tensor(list(product(range(3), repeat=6))).view(-1, 2, 3)
    p = (-energy(law, every)).softmax(0)
    y = last(sweeps(law, torch.zeros(8000, 2, 3, dtype=torch.long), steps=20, source=Streams(0)))
    for k in range(3):
        expected = torch.einsum("n,nhw->hw", p, (every == k).float())
        torch.testing.assert_close((y == k).float().mean(0), expected, atol=0.03, rtol=0)


def test_the_energy_never_rises() -> None:
    law, y = made(4, 6, 7), torch.randint(4, (10, 6, 7))
    energies = torch.stack([energy(law, state) for state in (y, *icm(law, y))])
    assert len(energies) > 2
    assert (energies.diff(dim=0) <= 1e-4).all()


def test_labels_are_restored() -> None:
    y = torch.arange(4).repeat_interleave(6).expand(10, 24, 24)
    x = torch.where(torch.rand(10, 24, 24) < 0.1, torch.randint(4, (10, 24, 24)), y)
    U = -2.0 * torch.nn.functional.one_hot(x, 4).movedim(-1, 1)
    *_, end = icm(Field(U, potts(1.5, 4)), x)
    assert float((end != y).float().mean()) < float((x != y).float().mean()) / 5
