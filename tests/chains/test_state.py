import math

import pytest
import torch

from likeness.chains import state as s
from likeness.errors import InputError


def test_value_and_slope_of_a_parabola() -> None:
    x = torch.randn(5, 2, 3)
    at = s.state(lambda x: -x.flatten(1).square().sum(1), x)
    torch.testing.assert_close(at.slope, -2 * x)
    assert not at.value.requires_grad


def test_each_chain_moves_or_stays_whole() -> None:
    x = torch.arange(12.0).view(3, 2, 2)
    new, old = (s.State(a, a[:, 0, 0], a) for a in (x, -x))
    moved = s.chosen(torch.tensor([True, False, True]), new, old)
    torch.testing.assert_close(moved.x, torch.stack((x[0], -x[1], x[2])))
    assert moved.value.tolist() == [0, -4, 8]


def test_what_exploded_is_named_with_a_remedy() -> None:
    far = s.bound(torch.ones(2, 2))
    s.alive(torch.tensor([[far, 0.0]]), far, 3, 0.5)
    for lost in (math.nan, math.inf, 2 * far):
        with pytest.raises(InputError, match=r"step size 0.5: 1 of 2 chains exploded at step 3 .*such as 0.05"):
            s.alive(torch.tensor([[lost, 0.0], [1.0, 1.0]]), far, 3, 0.5)


def test_the_last_and_the_recorded_states() -> None:
    states = [torch.tensor([float(i)]) for i in range(10)]
    assert s.last(states) == 9
    assert s.recorded(states, every=3, skip=1).flatten().tolist() == [3, 6, 9]
    with pytest.raises(InputError, match="0 steps"):
        s.last([])
    with pytest.raises(InputError, match="first 10"):
        s.recorded(states, skip=10)


def test_sizes_are_one_a_chain_and_above_zero() -> None:
    x = torch.zeros(3, 2)
    assert s.sizes(0.5, x).tolist() == [0.5] * 3
    assert s.column(s.sizes(0.5, x), x).shape == (3, 1)
    with pytest.raises(InputError, match="step size -1"):
        s.sizes(torch.tensor([1.0, -1.0, 1.0]), x)


def test_a_proposal_that_is_no_number_is_rejected() -> None:
    assert s.acceptance(torch.tensor([math.nan, 3.0, -1.0])).exp().tolist() == pytest.approx([0, 1, math.exp(-1)])
