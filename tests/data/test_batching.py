from itertools import islice

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from likeness.data.batch import Batch
from likeness.data.batching import batches, whole
from likeness.data.memory import InMemory
from likeness.errors import InputError
from likeness.lockstep import lockstep


class Computed:
    """A split that is not in memory, and remembers what it was asked for."""

    def __init__(self, n: int) -> None:
        self.n, self.asked = n, 0

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, index: torch.Tensor) -> Batch:
        self.asked += 1
        return Batch(index[:, None].float(), None, index)


def split(n: int = 10) -> InMemory:
    return InMemory(torch.arange(n)[:, None].float(), torch.arange(n))


@pytest.mark.parametrize("source", [split(10), Computed(10)], ids=["memory", "computed"])
def test_an_epoch_shows_every_sample_at_most_once_in_full_batches(source) -> None:
    seen = [b.index for b in batches(source, 3, steps=6)]
    assert all(len(index) == 3 for index in seen)
    for epoch in (seen[:3], seen[3:]):
        assert len(torch.cat(epoch).unique()) == 9
    assert not torch.equal(torch.cat(seen[:3]), torch.cat(seen[3:]))


def test_the_rows_are_those_of_the_index() -> None:
    for batch in batches(split(), 4, steps=5):
        assert torch.equal(batch.x[:, 0].long(), batch.index)
        assert torch.equal(batch.y, batch.index)


def test_the_same_seed_gives_the_same_batches_and_another_one_others() -> None:
    def order(seed: int) -> list[int]:
        return torch.cat([b.index for b in batches(split(), 5, seed=seed, steps=4)]).tolist()

    assert order(1) == order(1) != order(2)


@pytest.mark.parametrize("start", [0, 1, 3, 4, 7])
def test_a_run_that_stopped_continues_as_if_it_had_not(start: int) -> None:
    all_of_them = [b.index.tolist() for b in batches(split(), 3, seed=4, steps=9)]
    assert [b.index.tolist() for b in batches(split(), 3, seed=4, steps=9 - start, start=start)] == all_of_them[start:]


@settings(deadline=None, max_examples=40)
@given(n=st.integers(1, 20), size=st.integers(1, 20), at=st.integers(0, 30), computed=st.booleans())
def test_the_state_belongs_to_the_last_batch_handed_out(n: int, size: int, at: int, computed: bool) -> None:
    source, size = Computed(n) if computed else split(n), min(size, n)
    one = batches(source, size, seed=2)
    assert one.state_dict() == {"batches": 0}
    list(islice(one, at))
    assert one.state_dict() == {"batches": at}
    again = batches(source, size, seed=2, state=one.state_dict(), steps=5)
    assert [b.index.tolist() for b in islice(one, 5)] == [b.index.tolist() for b in again]
    assert again.state_dict() == {"batches": at + 5}


@pytest.mark.parametrize("processes", [1, 2, 3])
@pytest.mark.parametrize("source", [split(10), Computed(10)], ids=["memory", "computed"])
def test_processes_hold_the_rows_of_the_batches_that_one_sees(source, processes: int) -> None:
    alone = [b.index for b in batches(source, 5, seed=1, steps=7)]
    every = lockstep(processes, lambda rank: [b.index for b in batches(source, 5, seed=1, steps=7)])
    for i, index in enumerate(alone):
        assert torch.equal(torch.cat([mine[i] for mine in every]), index)


def test_each_process_needs_a_sample() -> None:
    with pytest.raises(InputError, match="batch size 2: use 3 or more, one for each process"):
        lockstep(3, lambda rank: batches(split(), 2))


def test_a_place_in_other_data_is_refused() -> None:
    with pytest.raises(InputError, match="a place in the data of epoch, entries was given, this data counts batches"):
        batches(split(), 2, state={"epoch": 1, "entries": 2})


def test_computed_samples_are_prepared_one_batch_ahead_and_no_more() -> None:
    source = Computed(100)
    taken = list(islice(batches(source, 10), 3))
    assert len(taken) == 3
    assert source.asked == 4


def test_a_failure_while_preparing_reaches_the_caller() -> None:
    class Failing(Computed):
        def __getitem__(self, index: torch.Tensor) -> Batch:
            raise InputError("a broken image")

    with pytest.raises(InputError, match="broken"):
        next(batches(Failing(10), 2))


@pytest.mark.parametrize("size", [0, -1, 11])
def test_batches_that_cannot_be_filled_are_refused_at_once(size: int) -> None:
    with pytest.raises(InputError, match=f"batch size {size}"):
        batches(split(), size)


def test_whole_is_all_or_the_first() -> None:
    assert whole(split()).index.tolist() == list(range(10))
    assert whole(split(), 3).index.tolist() == [0, 1, 2]
    assert len(whole(split(), 99).x) == 10


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_batches_live_on_the_device() -> None:
    here = list(batches(split(), 3, seed=2, steps=4, device="cuda"))
    there = list(batches(split(), 3, seed=2, steps=4))
    for a, b in zip(here, there, strict=True):
        assert a.x.is_cuda
        assert a.y.is_cuda
        assert torch.equal(a.x.cpu(), b.x)
