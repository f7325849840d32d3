"""Energies that never rise, the exact optimum beside every state and every other way, chains beside enumeration."""

import pytest
import torch

from likeness.chains import gibbs
from likeness.chains.state import last
from likeness.energy.lattice import DIAGONAL, Lattice, binary, colours, energy, flips, ising, local
from likeness.energy.restoration import annealed, cut, icm, likeliest, marginals, settled, sweeps
from likeness.energy.strips import enumerated, exact_means, states
from likeness.errors import InputError
from likeness.sampling import Streams


def attractive(n: int, h: int, w: int, *, periodic: bool = False) -> Lattice:
    return Lattice(0.6 * torch.rand(4), torch.randn(n, h, w), DIAGONAL, periodic)


def blob(n: int, side: int = 16) -> torch.Tensor:
    at = torch.arange(side) - side / 2
    return torch.where(at[:, None].square() + at.square() < (side / 3) ** 2, 1.0, -1.0).expand(n, 1, side, side)


def noisy(y: torch.Tensor, epsilon: float) -> torch.Tensor:
    return torch.where(torch.rand(y.shape) < epsilon, -y, y)


@pytest.mark.parametrize("periodic", [False, True])
def test_the_energy_never_rises_and_no_single_spin_would_lower_it_at_the_end(periodic: bool) -> None:
    law, y = Lattice(torch.randn(4), torch.randn(20, 8, 10), DIAGONAL, periodic), binary(torch.randn(20, 8, 10))
    energies = torch.stack([energy(law, state) for state in (y, *icm(law, y))])
    assert len(energies) > 2
    assert (energies.diff(dim=0) <= 1e-4).all()
    end = settled(law, y)
    for r in range(8):
        for c in range(10):
            other = end.clone()
            other[:, r, c] *= -1
            assert (energy(law, other) >= energy(law, end) - 1e-4).all()


@pytest.mark.parametrize(("h", "w", "periodic"), [(4, 4, False), (4, 4, True), (3, 5, False)])
def test_the_cut_is_the_lowest_of_all_states(h: int, w: int, periodic: bool) -> None:
    law = attractive(12, h, w, periodic=periodic)
    every = states(h, w)
    for field, y in zip(law.h, cut(law, (12, h, w)), strict=True):
        one = law._replace(h=field)
        assert float(energy(one, y)) == pytest.approx(float(energy(one, every).min()), abs=1e-4)


def test_no_other_way_comes_below_the_cut() -> None:
    x = noisy(blob(10), 0.15)
    law = ising(0.7).given(flips(x, 0.15))
    lowest = energy(law, cut(law, x.shape))
    found = {"icm": settled(law, x), "annealed": annealed(law, x, source=Streams(0))}
    for y in found.values():
        assert (energy(law, y) >= lowest - 1e-3).all()
    assert energy(law, found["annealed"]).mean() < energy(law, found["icm"]).mean()
    torch.testing.assert_close(energy(law, likeliest(law, x, source=Streams(0))), lowest)


def test_couplings_below_zero_are_annealed_and_cannot_be_cut() -> None:
    law = Lattice(torch.tensor([-0.8, 0.5]), torch.randn(6, 4, 4))
    with pytest.raises(InputError, match="a graph cut wants all of them at zero or above"):
        cut(law, (6, 4, 4))
    y = likeliest(law, torch.ones(6, 4, 4), source=Streams(0))
    lowest = torch.stack([energy(law._replace(h=h), states(4, 4)).min() for h in law.h])
    assert int((energy(law, y) < lowest + 1e-4).sum()) >= 5


def test_sweeps_and_their_averages_have_the_means_of_enumeration() -> None:
    law = Lattice(torch.tensor([0.3, 0.2, -0.2, 0.1]), 0.5 * torch.randn(3, 4), DIAGONAL)
    means = enumerated(law, 3, 4)[1].float()
    y = last(sweeps(law, torch.ones(20_000, 3, 4), steps=25, source=Streams(0)))
    torch.testing.assert_close(y.mean(0), means, atol=0.03, rtol=0)
    found = marginals(law, torch.ones(200, 3, 4), source=Streams(0), steps=100)
    torch.testing.assert_close(found.mean.mean(0), means, atol=0.02, rtol=0)


def test_a_sweep_of_one_colour_is_in_detailed_balance() -> None:
    """p(y) P(y → y') = p(y') P(y' → y) for the transitions of one block, counted from all states."""
    law = Lattice(torch.tensor([0.4, 0.3]), torch.randn(2, 2))
    every = states(2, 2)
    p = (-energy(law, every)).softmax(0)
    block = gibbs.binary(lambda y: 2 * local(law, y), colours(law, 2, 2)[0])
    n = 20_000
    flow = torch.zeros(16, 16)
    for k, start in enumerate(every):
        to = block(start.expand(n, 2, 2), Streams(k))
        place = ((to.flatten(1) > 0).long() << torch.arange(4)).sum(1)
        flow[k] = p[k] * torch.bincount(place, minlength=16) / n
    assert float((flow - flow.T).abs().max()) < 0.004
    assert float(flow.fill_diagonal_(0).max()) > 0.02


def test_free_spins_follow_their_field() -> None:
    law = ising(0.0, torch.tensor([[-0.4, 0.9]]))
    found = marginals(law, torch.ones(3, 1, 2), source=Streams(0))
    torch.testing.assert_close(found.mean, law.h.tanh().expand(3, 1, 2))
    assert torch.equal(cut(law, (1, 2)), law.h.sign())


def test_below_the_threshold_nothing_changes_and_above_it_errors_vanish() -> None:
    y = blob(20, 32)
    x = noisy(y, 0.1)
    evidence = flips(x, 0.1)
    assert float(evidence.max()) > 4 * 0.25
    assert torch.equal(settled(ising(0.25).given(evidence), x), x)
    wrong = lambda found: float((found != y).float().mean())  # noqa: E731
    law = ising(1.0).given(evidence)
    assert wrong(settled(law, x)) < wrong(x) / 5
    assert wrong(marginals(law, x, source=Streams(0)).majority) < wrong(x) / 5


def test_majority_is_that_of_the_exact_means() -> None:
    x = noisy(blob(30, 8), 0.2)
    law = ising(0.4).given(flips(x, 0.2))
    exact = exact_means(law, 8, 8)
    found = marginals(law, x, source=Streams(0), steps=300, chains=4)
    assert found.findings == ()
    torch.testing.assert_close(found.mean, exact, atol=0.12, rtol=0)
    sure = exact.abs() > 0.15
    assert torch.equal(found.majority[sure], exact.sign()[sure])


def test_chains_that_have_not_met_are_said_to() -> None:
    law = ising(1.0)
    found = marginals(law, torch.ones(4, 1, 12, 12), source=Streams(0))
    assert [f.code for f in found.findings] == ["unmixed-chain"]
    assert "100% of the grids" in found.findings[0].saw
    assert marginals(ising(0.1), torch.ones(4, 1, 12, 12), source=Streams(0), steps=200).findings == ()


def test_a_chain_depends_on_itself_alone() -> None:
    law, y = ising(0.4), binary(torch.randn(6, 1, 5, 4))
    whole = last(sweeps(law, y, steps=4, source=Streams(3)))
    assert torch.equal(last(sweeps(law, y[2:4], steps=4, source=Streams(3, 2))), whole[2:4])
