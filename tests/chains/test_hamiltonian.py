import math

import pytest
import torch
from torch import Tensor

from likeness.chains.hamiltonian import hamiltonian, walked
from likeness.chains.langevin import proposal
from likeness.chains.state import state
from likeness.errors import InputError
from likeness.sampling import Streams


def FIRST(x: Tensor) -> Tensor:  # noqa: N802
    return -x.square().sum(1) / 2


@pytest.mark.parametrize("size", [0.1, 0.9])
def test_a_step_leaves_its_law_as_it_is(size: float) -> None:
    """Also where steps are so coarse that many are rejected: what rejection mends, no bias is left of."""
    source = Streams(0)
    x = source.normal(20_000, 2)
    for _ in range(10):
        x, _ = hamiltonian(FIRST, x, torch.full((20_000,), size), source, leapfrogs=3)
    assert (x.mean(0)).abs().max() < 0.03
    assert (x.var(0) - 1).abs().max() < 0.05


def test_small_steps_keep_the_energy() -> None:
    _, accepted = hamiltonian(FIRST, torch.randn(100, 2), torch.full((100,), 0.01), Streams(0))
    assert accepted.min() > 0.999


def test_what_is_infinite_is_rejected() -> None:
    def half_line(x: Tensor) -> Tensor:
        return torch.where(x[:, 0] > 0, -x[:, 0], -math.inf)

    x, _ = hamiltonian(half_line, torch.full((500, 1), 0.1), torch.full((500,), 1.0), Streams(0), leapfrogs=1)
    assert (x > 0).all()
    assert (x != 0.1).any()


def test_one_leap_is_a_langevin_step() -> None:
    x, log_f = torch.randn(50, 2), lambda x: -(x**4).sum(1)
    moved, accepted = hamiltonian(log_f, x, torch.full((50,), 0.3), Streams(0), leapfrogs=1)
    xi = Streams(0).normal(50, 2)
    new, log_alpha = proposal(log_f, state(log_f, x), torch.full((50,), 0.09), xi)
    torch.testing.assert_close(accepted, log_alpha.exp())
    went = (moved != x).any(1)
    torch.testing.assert_close(moved[went], new.x[went])


def test_chains_are_walked_and_say_where_they_are() -> None:
    visits = list(walked(FIRST, torch.zeros(4000, 2), steps=20, step_size=0.5, source=Streams(0), leapfrogs=3))
    assert len(visits) == 20
    torch.testing.assert_close(visits[-1].value, FIRST(visits[-1].x))
    assert (visits[-1].x.var(0) - 1).abs().max() < 0.08
    with pytest.raises(InputError, match="0 leapfrogs"):
        list(walked(FIRST, torch.zeros(2, 2), steps=1, step_size=0.5, source=Streams(0), leapfrogs=0))
