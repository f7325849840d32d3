"""Work that is shared out gives what one process alone would have given."""

import pytest
import torch
from torch import Tensor, nn

from likeness.lockstep import lockstep
from likeness.ranks import world
from likeness.spread import alike, spread


def work(i: int) -> Tensor:
    assert world().size == 1, "a piece of work is done alone"
    return torch.arange(i * 3, dtype=torch.float64).reshape(i, 3)


@pytest.mark.parametrize("n", [0, 1, 2, 5, 7])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_every_process_has_all_results_in_order(n: int, size: int) -> None:
    for found in lockstep(size, lambda rank: spread(work, n)):
        assert len(found) == n
        assert all(torch.equal(x, work(i)) for i, x in enumerate(found))


def test_each_piece_is_done_once() -> None:
    done: list[int] = []

    def note(i: int) -> Tensor:
        done.append(i)
        return torch.zeros(1)

    lockstep(3, lambda rank: spread(note, 8))
    assert sorted(done) == list(range(8))


def test_a_module_becomes_that_of_the_first_process() -> None:
    def network(rank: int) -> nn.Module:
        torch.manual_seed(rank)
        made = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
        made[1].num_batches_tracked += rank
        alike(made)
        return made

    first, *others = lockstep(3, network)
    torch.manual_seed(0)
    assert torch.equal(first[0].weight, nn.Linear(3, 2).weight)
    for other in others:
        assert all(torch.equal(a, b) for a, b in zip(first.state_dict().values(), other.state_dict().values()))
