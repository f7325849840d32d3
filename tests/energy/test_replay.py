"""Which chains go on, and where their ends are kept."""

import pytest
import torch
from torch import Tensor

from likeness.energy.replay import Replay
from likeness.errors import InputError
from likeness.lockstep import lockstep
from likeness.ranks import Part, holding, world


def test_the_share_that_goes_on_and_ends_that_take_their_place() -> None:
    torch.manual_seed(0)
    made = Replay(torch.arange(1.0, 5001)[:, None])
    start, places = made.begin(torch.zeros(2000, 1), 0.6)
    old = start[:, 0] > 0
    assert abs(float(old.float().mean()) - 0.6) < 3 * (0.24 / 2000) ** 0.5
    assert len(places.unique()) == 2000, "no chain is begun twice"
    assert torch.equal(start[old, 0], made.ends[places[old], 0])
    made.put(places, -torch.ones(2000, 1))
    assert (made.ends == -1).sum() == 2000
    none, _ = made.begin(torch.zeros(8, 1), 0.0)
    all_of_them, places = made.begin(torch.zeros(8, 1), 1.0)
    assert (none == 0).all()
    assert torch.equal(all_of_them, made.ends[places])


def test_parts_of_a_batch_begin_as_the_whole_and_processes_keep_all_ends() -> None:
    def begun(part: Part | None) -> tuple[Tensor, Replay]:
        torch.manual_seed(3)
        made = Replay(torch.arange(50.0)[:, None])
        n = 7 if part is None else part.n
        with holding(part):
            start, places = made.begin(torch.zeros(n, 1) - 1, 0.5)
            made.put(places, 100 + start)
        return start, made

    start, made = begun(None)
    parts: dict[int, tuple[Tensor, Replay]] = {}
    lockstep(2, lambda rank: parts.update({rank: begun(world().part(7))}))
    assert torch.equal(torch.cat([parts[0][0], parts[1][0]]), start)
    for _, theirs in parts.values():
        assert torch.equal(theirs.ends, made.ends)


def test_a_batch_that_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match="a replay buffer of 4 for a batch of 5"):
        Replay(torch.zeros(4, 1)).begin(torch.zeros(5, 1), 0.5)
