"""The order in which shards are read: a function of the seed and the place alone, so that reading can go on anywhere.

Epoch e takes the shards in an order drawn from (seed, e). Of R processes, r reads the shards r, r + R, … of that order
or, where there are fewer shards than processes, every R-th entry. What it reads is cut into blocks of BUFFER entries,
each in an order drawn from (seed, e, block). Nothing that was read has to be kept to go on from the k-th entry of an
epoch: whole shards before it are passed over unread where their lengths are known, else entry by entry, undecoded.
"""

from collections.abc import Iterator, Sequence
from itertools import count, islice
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from likeness.data.ahead import ahead
from likeness.data.encoded import Entry

BUFFER = 1000  # entries among which a stream is shuffled


@runtime_checkable
class Shard(Protocol):
    """A piece of a source that can be read from any entry on, as often as one asks; `length` where it is known."""

    @property
    def name(self) -> str: ...

    @property
    def length(self) -> int | None: ...

    def entries(self, skip: int = 0) -> Iterator[Entry]: ...


class Rest(NamedTuple):
    """What is left of a shard without its first `taken` entries."""

    shard: Shard
    taken: int

    @property
    def name(self) -> str:
        return self.shard.name

    @property
    def length(self) -> int | None:
        return None if self.shard.length is None else self.shard.length - self.taken

    def entries(self, skip: int = 0) -> Iterator[Entry]:
        return self.shard.entries(self.taken + skip)


class Feed(NamedTuple):
    """One part of a source: its shards, and how many entries they hold together, where that is known."""

    shards: tuple[Shard, ...]
    length: int | None

    def split(self, n: int) -> "tuple[list[Entry], Feed]":
        """The first `n` entries, and the feed of the others."""
        found: list[Entry] = []
        rest: list[Shard] = []
        for shard in self.shards:
            some = list(islice(shard.entries(), n - len(found)))
            found += some
            if len(found) == n and shard.length != len(some):
                rest.append(Rest(shard, len(some)) if some else shard)
        return found, Feed(tuple(rest), None if self.length is None else self.length - len(found))


class Share(NamedTuple):
    """Which part of the entries a process reads: that of `rank` among `size`."""

    rank: int
    size: int


def shuffled(shards: Sequence[Shard], seed: int, epoch: int, share: Share, start: int = 0) -> Iterator[Entry]:
    """The entries that a process reads in an epoch, from the `start`-th on."""
    order = np.random.default_rng((seed, epoch)).permutation(len(shards))
    first, within = divmod(start, BUFFER)
    entries = shared([shards[i] for i in order], share, first * BUFFER)
    blocks = iter(lambda: list(islice(entries, BUFFER)), [])
    for number, block in zip(count(first + 1), ahead(blocks)):  # (seed, e) and (seed, e, 0) are one seed
        places = np.random.default_rng((seed, epoch, number)).permutation(len(block))
        yield from (block[i] for i in places[within:])
        within = 0


def shared(shards: Sequence[Shard], share: Share, skip: int = 0) -> Iterator[Entry]:
    """The entries of this process's share, in the order of the shards, from one on."""
    if len(shards) >= share.size:
        return chained(shards[share.rank :: share.size], skip)
    return islice(chained(shards, skip * share.size), share.rank, None, share.size)


def chained(shards: Sequence[Shard], skip: int = 0) -> Iterator[Entry]:
    """The entries of the shards, one after the other, from one on."""
    for shard in shards:
        if shard.length is None:
            for entry in shard.entries():
                if skip:
                    skip -= 1
                else:
                    yield entry
        elif skip >= shard.length:
            skip -= shard.length
        else:
            yield from shard.entries(skip)
            skip = 0
