import pytest
import torch
from torch import Tensor

from likeness.chains.langevin import unadjusted
from likeness.chains.state import recorded
from likeness.chains.verdict import MIXED, effective, places, ranked, split_rhat, verdict
from likeness.data.truth import Mixture
from likeness.errors import InputError
from likeness.sampling import Streams


def test_independent_steps_have_mixed() -> None:
    r = split_rhat(torch.randn(200, 50, 3))
    assert r.shape == (3,)
    assert (r - 1).abs().max() < 0.02


def test_chains_that_stay_in_their_mode_have_not() -> None:
    modes = torch.randint(2, (50,)) * 5.0
    assert split_rhat(torch.randn(200, 50) + modes) > 2


def test_a_common_drift_shows_because_chains_are_split() -> None:
    drift = torch.linspace(0, 3, 200)[:, None]
    assert split_rhat(torch.randn(200, 50) + drift) > MIXED


def test_the_known_value_for_two_half_chains() -> None:
    trace = torch.tensor([[0.0], [2.0], [4.0], [6.0]])  # halves: means 1 and 5, variances 2 and 2
    assert torch.isclose(split_rhat(trace), torch.tensor((0.5 + 8 / 2) ** 0.5).double())


def autoregressive(rho: float, steps: int, chains: int) -> Tensor:
    x = [torch.randn(chains)]
    for _ in range(steps - 1):
        x.append(rho * x[-1] + (1 - rho**2) ** 0.5 * torch.randn(chains))
    return torch.stack(x)


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_an_autoregressive_chain_is_worth_what_is_known(rho: float) -> None:
    """N (1 − ρ) / (1 + ρ)."""
    trace = autoregressive(rho, 2000, 8)
    assert float(effective(trace)) == pytest.approx(16_000 * (1 - rho) / (1 + rho), rel=0.15)


def test_alternating_chains_are_worth_more_than_their_draws_and_stuck_ones_nothing() -> None:
    assert effective(autoregressive(-0.5, 1000, 4)) > 1.5 * 4000
    stuck = torch.randn(500, 10) * 0.01 + torch.randn(10)
    assert effective(stuck) < 40


def test_ranks_do_not_see_a_monotone_map() -> None:
    x = torch.randn(50, 6, 2)
    torch.testing.assert_close(ranked(x), ranked(x.exp()))
    assert ranked(x).std() == pytest.approx(1, abs=0.05)


def langevin(at: float, steps: int, chains: int = 300) -> Tensor:
    truth = Mixture(torch.tensor([[at, at], [-at, -at]]), 0.8, weights=torch.tensor([0.8, 0.2]))
    start = 12 * Streams(0).uniform(chains, 2) - 6
    return recorded(unadjusted(truth.score, start, steps=steps, step_size=0.1, source=Streams(1)), skip=steps // 2)


@pytest.mark.parametrize("known", [True, False])
def test_chains_between_far_modes_are_said_not_to_cross(known: bool) -> None:
    """With ε = η/2 = .05, 500 steps: the spread within modes is right, the small mode has half the chains."""
    modes = torch.tensor([[2.5, 2.5], [-2.5, -2.5]])
    trace = langevin(2.5, 500)
    found = verdict(trace, modes if known else None)
    assert found.rhat > MIXED
    assert [f.code for f in found.findings] == ["not-crossed"]
    assert len(found.modes) == 2
    assert found.crossed < 0.1
    assert 0.4 < found.shares.min() < 0.5
    inside = trace[-1] - torch.where(trace[-1].sum(1, keepdim=True) > 0, 2.5, -2.5)
    assert float(inside.std()) == pytest.approx(0.816, abs=0.05)
    assert torch.cdist(found.modes, trace.new_tensor([[2.5, 2.5], [-2.5, -2.5]])).min(0).values.max() < 0.3


def test_chains_between_near_modes_are_fine() -> None:
    trace, modes = langevin(1.2, 6000, chains=100), torch.tensor([[1.2, 1.2], [-1.2, -1.2]])
    found = verdict(trace, modes)
    assert found.findings == ()
    assert found.rhat < MIXED
    assert found.crossed > 0.95
    assert float((trace.sum(2) < 0).double().mean()) == pytest.approx(0.211, abs=0.02)
    assert len(verdict(trace).modes) == 0
    impatient = verdict(trace[:600], modes)
    assert [f.code for f in impatient.findings] == ["unmixed-chain"]


def test_a_mode_that_nobody_began_in_is_missed_only_by_those_who_know_of_it() -> None:
    trace = torch.randn(100, 20, 2)
    assert verdict(trace).findings == ()
    (found,) = verdict(trace, torch.tensor([[0.0, 0.0], [9.0, 9.0]])).findings
    assert found.code == "unvisited-modes"
    assert "1 of 2" in found.saw


def test_chains_under_way_are_unmixed_though_there_is_one_mode() -> None:
    drift = torch.linspace(0, 3, 200)[:, None]
    assert [f.code for f in verdict(torch.randn(200, 50) + drift).findings] == ["unmixed-chain"]


def test_as_many_places_are_found_as_chains_stay_at() -> None:
    centres = torch.tensor([[0.0, 0.0], [6.0, 0.0], [0.0, 6.0], [6.0, 6.0]])
    trace = torch.randn(100, 40, 2) + centres.repeat(10, 1)
    assert torch.cdist(places(trace), centres).min(0).values.max() < 0.3
    assert len(places(trace)) == 4


def test_too_little_to_see_is_refused() -> None:
    with pytest.raises(InputError, match="7 states of 2 chains"):
        verdict(torch.randn(7, 2, 1))
    with pytest.raises(InputError, match="8 states of 1 chains"):
        verdict(torch.randn(8, 1, 1))
