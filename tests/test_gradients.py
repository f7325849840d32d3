"""Gradients are summed over processes, each kind in one message; a plain parameter is whole and local."""

import torch
from torch import Tensor, nn

from likeness.gradients import full, is_sharded, local, reduce_gradients, reduced
from likeness.lockstep import lockstep


def test_gradients_are_summed_by_kind() -> None:
    def play(rank: int) -> list[Tensor]:
        found = [torch.full((2,), rank + 1.0), torch.full((1, 2), rank + 1.0, dtype=torch.float64)]
        reduced(found)
        return found

    for a, b in lockstep(3, play):
        assert a.tolist() == [6.0, 6.0]
        assert b.tolist() == [[6.0, 6.0]]


def test_a_plain_parameter_is_whole_and_local() -> None:
    p = nn.Parameter(torch.ones(2))
    assert not is_sharded(p)
    assert full(p) is p
    assert local(p) is p


def test_parameters_without_a_gradient_are_passed_over() -> None:
    def play(rank: int) -> list[Tensor | None]:
        a, b = nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(3))
        a.grad = torch.ones(2)
        reduce_gradients([b, a])
        reduce_gradients([b])
        return [a.grad, b.grad]

    for a, b in lockstep(2, play):
        assert a is not None
        assert a.tolist() == [2.0, 2.0]
        assert b is None
