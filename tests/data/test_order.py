"""The order of a stream is a pure function of the seed and the place, and processes share it without overlap."""

from collections.abc import Iterator
from io import BytesIO
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from likeness.data import order
from likeness.data.encoded import Entry
from likeness.data.order import Feed, Rest, Shard, Share, chained, shared, shuffled


class Numbers:
    """A shard of numbered entries that counts what is read from it."""

    def __init__(self, first: int, n: int, *, known: bool = True) -> None:
        self.first, self.n, self.name, self.length = first, n, f"from {first}", n if known else None
        self.read = 0

    def entries(self, skip: int = 0) -> Iterator[Entry]:
        for i in range(self.first + skip, self.first + self.n):
            self.read += 1
            yield Entry(str(i), BytesIO, "train", i)


def labels(entries: Iterator[Entry]) -> list[int]:
    return [entry.label for entry in entries]


def made(lengths: list[int], known: list[bool] | None = None) -> list[Numbers]:
    starts = [sum(lengths[:i]) for i in range(len(lengths))]
    return [Numbers(a, n, known=k) for a, n, k in zip(starts, lengths, known or [True] * len(lengths))]


LENGTHS = st.lists(st.integers(0, 12), min_size=1, max_size=6)
SIZES = st.integers(1, 4)


@pytest.fixture(autouse=True)
def _small_buffer(monkeypatch) -> None:
    monkeypatch.setattr(order, "BUFFER", 5)


def test_shards_have_the_form_that_is_asked_of_them() -> None:
    assert isinstance(Numbers(0, 3), Shard)
    assert isinstance(Rest(Numbers(0, 3), 1), Shard)


@settings(deadline=None, max_examples=60)
@given(lengths=LENGTHS, size=SIZES, seed=st.integers(0, 9), epoch=st.integers(0, 3), unknown=st.booleans())
def test_processes_read_everything_once(lengths: list[int], size: int, seed: int, epoch: int, unknown: bool) -> None:
    shards = made(lengths, [not unknown] * len(lengths))
    every = [labels(shuffled(shards, seed, epoch, Share(rank, size))) for rank in range(size)]
    assert sorted(chain.from_iterable(every)) == list(range(sum(lengths)))


@settings(deadline=None, max_examples=60)
@given(lengths=LENGTHS, known=st.lists(st.booleans(), min_size=6, max_size=6), size=SIZES, start=st.integers(0, 60))
def test_reading_goes_on_at_any_place(lengths: list[int], known: list[bool], size: int, start: int) -> None:
    shards = made(lengths, known)
    for rank in range(size):
        whole = labels(shuffled(shards, 3, 1, Share(rank, size)))
        assert labels(shuffled(shards, 3, 1, Share(rank, size), start)) == whole[start:]
        assert labels(shared(shards, Share(rank, size), start)) == labels(shared(shards, Share(rank, size)))[start:]


def test_orders_differ_by_epoch_and_seed_and_shuffle_within_and_across_shards() -> None:
    shards = made([10] * 6)
    orders = [labels(shuffled(shards, seed, epoch, Share(0, 1))) for seed in (0, 1) for epoch in (0, 1)]
    assert len({tuple(o) for o in orders}) == 4
    assert orders[0] == labels(shuffled(shards, 0, 0, Share(0, 1)))
    firsts = [o[0] // 10 for o in orders]
    assert len(set(firsts)) > 1
    assert any(o[:5] != sorted(o[:5]) for o in orders)


def test_shards_before_the_place_are_passed_over_unread() -> None:
    shards = made([10, 10, 10])
    assert labels(chained(shards, 23)) == list(range(23, 30))
    assert [s.read for s in shards] == [0, 0, 7]
    assert labels(chained(made([10, 10], [False, True]), 13)) == list(range(13, 20))


@given(lengths=LENGTHS, n=st.integers(0, 50), known=st.booleans())
def test_what_is_held_out_is_not_in_what_is_left(lengths: list[int], n: int, known: bool) -> None:
    held, rest = Feed(tuple(made(lengths, [known] * len(lengths))), sum(lengths)).split(n)
    assert [e.label for e in held] == list(range(min(n, sum(lengths))))
    assert labels(chained(rest.shards)) == list(range(min(n, sum(lengths)), sum(lengths)))
    assert rest.length == max(0, sum(lengths) - n)
    assert labels(chained(rest.shards, 2)) == labels(chained(rest.shards))[2:]
    assert Feed((), None).split(n)[1].length is None
