"""A queue holds what came last, resumes, and is the same on all processes."""

import pytest
import torch
from torch import Tensor

from likeness import ranks
from likeness.errors import InputError
from likeness.lockstep import lockstep
from likeness.represent.queue import Queue


def numbered(start: int, n: int) -> Tensor:
    return torch.arange(start, start + n, dtype=torch.float32)[:, None].expand(n, 2)


def held(queue: Queue) -> set[int]:
    assert torch.equal(queue.rows[:, 0], queue.rows[:, 1])
    return {int(v) for v in queue.rows[:, 0]}


def test_the_last_ones_are_held_whatever_the_batches() -> None:
    for sizes in ([1] * 9, [4, 4, 4], [5, 5], [3, 7, 2, 1], [2, 30, 3]):
        queue, count = Queue(2, 5), 0
        assert len(queue.rows) == 0
        assert not queue.full
        for n in sizes:
            queue.push(numbered(count, n))
            count += n
            assert held(queue) == set(range(max(0, count - 5), count))
            assert queue.full == (count >= 5)


def test_state_goes_on_where_it_was() -> None:
    queue, other = Queue(2, 5), Queue(2, 5)
    queue.push(numbered(0, 7))
    other.load_state_dict(queue.state_dict())
    for q in (queue, other):
        q.push(numbered(7, 2))
    assert torch.equal(queue.stored, other.stored)
    assert held(other) == {4, 5, 6, 7, 8}


def test_what_is_pushed_is_a_constant() -> None:
    queue, z = Queue(2, 5), torch.ones(3, 2, requires_grad=True)
    queue.push(z)
    assert not queue.rows.requires_grad


@pytest.mark.parametrize("size", [2, 3])
def test_all_processes_hold_the_rows_of_the_whole_batch(size: int) -> None:
    whole = Queue(2, 9)
    whole.push(numbered(0, 7))

    def work(rank: int) -> Tensor:
        queue, part = Queue(2, 9), ranks.world().part(7)
        with ranks.holding(part):
            queue.push(numbered(0, 7)[part.start : part.start + part.n])
        return queue.rows

    for rows in lockstep(size, work):
        assert torch.equal(rows, whole.rows)


def test_bad_input() -> None:
    with pytest.raises(InputError, match="3 numbers for a queue of 2: build it with d=3"):
        Queue(2, 5).push(torch.zeros(1, 3))
    with pytest.raises(InputError, match="0 vectors"):
        Queue(2, 0)
