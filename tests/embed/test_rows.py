"""Row-wise AdaGrad: its formula, untouched rows, and torch's AdaGrad where a row has one number."""

import copy

import pytest
import torch
from torch.optim import Adagrad

from likeness.embed.rows import RowAdagrad
from likeness.errors import InputError


def test_of_rows_of_one_number_it_is_adagrad() -> None:
    a = torch.nn.Parameter(torch.randn(6, 1))
    b = torch.nn.Parameter(a.detach().clone())
    ours, theirs = RowAdagrad([a], 0.3), Adagrad([b], 0.3)
    for _ in range(5):
        g = torch.randn(6, 1)
        a.grad, b.grad = g.clone(), g.clone()
        ours.step(), theirs.step()
    torch.testing.assert_close(a, b)


def test_two_steps_by_hand_and_rows_without_a_gradient_do_not_move() -> None:
    p = torch.nn.Parameter(torch.zeros(3, 2))
    moves = RowAdagrad([p], 0.1)
    for _ in range(2):
        p.grad = torch.tensor([[3.0, 4.0], [0.0, 0.0], [0.0, 0.0]])
        moves.step()
    first = torch.tensor([3.0, 4.0]) * -0.1 * (1 / 12.5**0.5 + 1 / 25**0.5)
    torch.testing.assert_close(p[0].detach(), first)
    assert not p[1:].any()


def test_the_state_goes_on() -> None:
    p = torch.nn.Parameter(torch.ones(2, 2))
    moves = RowAdagrad([p], 0.1)
    p.grad = torch.ones(2, 2)
    moves.step()
    q = torch.nn.Parameter(p.detach().clone())
    other = RowAdagrad([q], 0.1)
    other.load_state_dict(copy.deepcopy(moves.state_dict()))
    p.grad, q.grad = torch.ones(2, 2), torch.ones(2, 2)
    moves.step(), other.step()
    assert torch.equal(p, q)


def test_a_rate_of_zero_is_refused() -> None:
    with pytest.raises(InputError, match="lr 0"):
        RowAdagrad([torch.nn.Parameter(torch.ones(1))], 0.0)
