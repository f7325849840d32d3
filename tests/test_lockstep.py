"""Played processes: they exchange what they have, keep their own random states, and never wait for nobody."""

import pytest
import torch

from likeness.lockstep import lockstep
from likeness.ranks import world


def test_sum_and_collect() -> None:
    found = lockstep(3, lambda rank: (world().sum(torch.tensor([rank])), world().collect(torch.full((rank,), rank))))
    for total, parts in found:
        assert total.tolist() == [3]
        assert [p.tolist() for p in parts] == [[], [1], [2, 2]]


def test_each_has_a_random_state_of_its_own_that_begins_alike() -> None:
    def play(rank: int) -> list[float]:
        drawn = []
        for _ in range(3):
            drawn.append(float(torch.rand(())))
            world().objects(rank)
        return drawn

    torch.manual_seed(7)
    a, b = lockstep(2, play)
    assert a == b
    assert len(set(a)) == 3


def test_alone_again_afterwards() -> None:
    assert lockstep(2, lambda rank: (world().rank, world().size)) == [(0, 2), (1, 2)]
    assert world().size == 1


def test_the_first_error_is_raised() -> None:
    def play(rank: int) -> None:
        if rank == 1:
            raise KeyError("mine")
        world().objects(rank)

    with pytest.raises(KeyError, match="mine"):
        lockstep(3, play)


def test_a_rank_that_does_not_come_is_an_error() -> None:
    with pytest.raises(RuntimeError, match=r"ranks \[1\]"):
        lockstep(2, lambda rank: world().objects(0) if rank == 0 else None)
