"""Images that are read as they are needed, from the network or from shards on disk, and never all held.

What is held out is held in memory: the first HELD samples of the test and the validation part, or, where the source
has none, the first samples of its training part (at most a share of them), which training then passes over. Training
also passes over every image whose pixels equal those of a held-out one. `order` says in which order it reads.
"""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import count, islice
from os import cpu_count
from typing import NamedTuple, NoReturn

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from likeness.data import decode
from likeness.data.ahead import Placed
from likeness.data.batch import Batch
from likeness.data.batching import Batches, resumed
from likeness.data.dataset import Dataset, Options, assemble
from likeness.data.encoded import Broken, Entry, OnDemand, attempt, read
from likeness.data.memory import Digests, InMemory, digests, from_uint8
from likeness.data.order import Feed, Share, chained, shuffled
from likeness.data.splits import SHARE, TEST, TRAIN, VALIDATION
from likeness.errors import InputError
from likeness.findings import Finding
from likeness.ranks import world

HELD = {TEST: 2000, VALIDATION: 1000}
CHUNK = 256  # images decoded together where no batch says how many


class Pattern(NamedTuple):
    """What every image of a stream becomes, and the hashes of those that are passed over."""

    form: decode.Form
    event: tuple[int, ...]
    held: frozenset[int]
    labelled: bool
    skip_broken: bool


class Row(NamedTuple):
    """A decoded image, its class, and the number of entries read in this epoch when it had been."""

    pixels: np.ndarray
    label: int
    read: int


class Stream:
    """A split that can only be read from front to back."""

    labels = None  # not known before they are read

    def __init__(self, feed: Feed, pattern: Pattern) -> None:
        self.feed, self.pattern, self.event = feed, pattern, pattern.event
        self.pool = ThreadPoolExecutor(cpu_count())

    def __len__(self) -> int:
        if self.feed.length is None:
            raise InputError("the source does not say how many samples it has: read it without --stream to count them")
        return self.feed.length

    def __getitem__(self, index: Int[Tensor, " b"]) -> NoReturn:
        raise InputError("a stream has no places to look up: take its batches, or its first samples")

    @property
    def digests(self) -> Digests:
        """Of names and lengths: nobody reads a stream to know whether it is the same."""
        known = repr([(shard.name, shard.length) for shard in self.feed.shards] + [self.feed.length])
        return digests(np.frombuffer(known.encode(), np.uint8)[None])

    def batches(self, batch_size: int, seed: int, state: Mapping[str, int] | None = None) -> Batches:
        """Epochs without end, each in an order of its own; full batches only, this process's part of each.

        Args:
            state: the `state_dict()` to go on from: an epoch, and how many of its entries had been read.
        """
        place, here = resumed(state, {"epoch": 0, "entries": 0}), world()
        share = Share(here.rank, here.size)
        return Batches(self._epochs(here.part(batch_size).n, seed, share, place["epoch"], place["entries"]), place)

    def first(self, n: int | None) -> Batch:
        """The first `n` samples, in the order of the source."""
        if n is None:
            raise InputError("a stream cannot be held whole: say how many samples to take")
        found = list(islice(self._rows(chained(self.feed.shards), 0, min(n, CHUNK)), n))
        if not found:
            raise InputError("the stream has no samples left beside those that are held out: give it more")
        return self._batch(found)

    def _epochs(self, n: int, seed: int, share: Share, epoch: int, start: int) -> Iterator[Placed]:
        for e in count(epoch):
            rows, full = self._rows(shuffled(self.feed.shards, seed, e, share, start), start, n), start > 0
            while len(found := list(islice(rows, n))) == n:
                full = True
                yield self._batch(found), {"epoch": e, "entries": found[-1].read}
            if not full:
                who = f"of process {share.rank}, {n} samples, exceeds its part of" if share.size > 1 else f"{n} exceeds"
                raise InputError(f"batch size {who} the samples that the stream has: use a smaller one")
            start = 0

    def _rows(self, entries: Iterable[Entry], start: int, chunk: int) -> Iterator[Row]:
        """The images, decoded so many at a time, without those that are passed over."""
        numbered = enumerate(entries, start + 1)
        while some := list(islice(numbered, chunk)):
            pixels = self.pool.map(self._pixels, [entry for _, entry in some])
            for x, (read_so_far, entry) in zip(list(pixels), some):
                if x is not None:
                    yield Row(x, entry.label, read_so_far)

    def _pixels(self, entry: Entry) -> np.ndarray | None:
        """None for what is passed over: a copy of a held-out image, or a broken one where that was asked for."""
        x = attempt(entry, lambda: decode.pixels(entry.open(), self.pattern.form))
        if isinstance(x, Broken):
            if self.pattern.skip_broken:
                return None
            raise InputError(f"broken image {x.name} ({x.reason}): pass over such images with --skip-broken")
        if x.shape != self.event:
            raise InputError(f"{entry.name} has shape {x.shape}, others {self.event}: give one size, such as --size 64")
        return None if int(digests(x[None])[0]) in self.pattern.held else x

    def _batch(self, rows: list[Row]) -> Batch:
        x = torch.from_numpy(np.stack([row.pixels for row in rows]))
        return Batch(from_uint8(x), torch.tensor([row.label for row in rows]) if self.pattern.labelled else None)


def stream(
    name: str, feeds: Mapping[str, Feed], classes: tuple[str, ...], options: Options, notes: tuple[Finding, ...] = ()
) -> Dataset:
    """The data set of these parts, with what is held out in memory.

    Raises:
        InputError: the source has too few images to hold some out, or a held-out one is broken.
    """
    if options.limit is not None:
        raise InputError(f"limit {options.limit}: a stream is not cut short; leave --limit or --stream out")
    train = feeds[TRAIN]
    held: dict[str, InMemory | OnDemand] = {}
    for part, most in HELD.items():
        if part in feeds:
            entries, _ = feeds[part].split(most)
        else:
            share = most if train.length is None else round(SHARE[part] * train.length)
            entries, train = train.split(min(most, share))
        if not entries:
            raise InputError(f"{name} has too few images to hold some out: supply more, or read it without --stream")
        held[part], _, said = read(entries, options._replace(stream=False), labelled=bool(classes))
        notes += said
    apart = ~np.isin(held[VALIDATION].digests, held[TEST].digests)
    held[VALIDATION] = held[VALIDATION].take(np.flatnonzero(apart))
    event = held[TEST].event
    known = frozenset(np.concatenate([p.digests for p in held.values()]).tolist())
    form = decode.Form(event[0], options.size)
    pattern = Pattern(form, event, known, bool(classes), options.skip_broken)
    parts = {TRAIN: Stream(train, pattern), **held}
    return assemble(name, "images", parts, options, classes=classes, notes=notes)
