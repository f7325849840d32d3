"""Images that are read over the network as they are needed, and never all held.

What is held out is held in memory: the first HELD samples of the test and the validation part, or, where the source
has none, the first samples of its training part, which training then passes over. Training also passes over every
image whose pixels equal those of a held-out one.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count, islice
from os import cpu_count
from typing import NamedTuple, NoReturn, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from likeness.data import decode
from likeness.data.batch import Batch
from likeness.data.dataset import Dataset, Options, assemble
from likeness.data.encoded import Broken, Entry, OnDemand, attempt, read
from likeness.data.memory import InMemory, digests, from_uint8
from likeness.data.splits import TEST, TRAIN, VALIDATION
from likeness.errors import InputError
from likeness.findings import Finding

HELD = {TEST: 2000, VALIDATION: 1000}


@runtime_checkable
class Feed(Protocol):
    """Entries in their order, or shuffled by a seed, as often as one asks; `length` where it is known."""

    length: int | None

    def entries(self, skip: int = 0, seed: int | None = None) -> Iterator[Entry]: ...


class Pattern(NamedTuple):
    """What every image of a stream becomes, and which are passed over: the first `skip`, and those of a held hash."""

    form: decode.Form
    event: tuple[int, ...]
    skip: int
    held: frozenset[int]
    labelled: bool
    skip_broken: bool


class Stream:
    """A split that can only be read from front to back."""

    labels = None  # not known before they are read

    def __init__(self, feed: Feed, pattern: Pattern) -> None:
        self.feed, self.pattern, self.event = feed, pattern, pattern.event
        self.digests = digests(np.array([[pattern.skip, feed.length or 0]]))
        self.pool = ThreadPoolExecutor(cpu_count())

    def __len__(self) -> int:
        if self.feed.length is None:
            raise InputError("the source does not say how many samples it has: read it without --stream to count them")
        return self.feed.length - self.pattern.skip

    def __getitem__(self, index: Int[Tensor, " b"]) -> NoReturn:
        raise InputError("a stream has no places to look up: take its batches, or its first samples")

    def batches(self, batch_size: int, seed: int) -> Iterator[Batch]:
        """Epochs without end, each shuffled in its own way within the source's buffer; full batches only."""
        for epoch in count():
            full = 0
            for batch in self._epoch(batch_size, seed + epoch):
                if len(batch.x) == batch_size:
                    full += 1
                    yield batch
            if not full:
                raise InputError(f"batch size {batch_size} exceeds the samples that the stream has: use a smaller one")

    def first(self, n: int | None) -> Batch:
        """The first `n` samples, in the order of the source."""
        if n is None:
            raise InputError("a stream cannot be held whole: say how many samples to take")
        return next(self._epoch(n, None))

    def _epoch(self, batch_size: int, seed: int | None) -> Iterator[Batch]:
        entries = self.feed.entries(self.pattern.skip, seed)
        waiting: list[tuple[np.ndarray, int]] = []
        while chunk := list(islice(entries, batch_size)):
            pixels = self.pool.map(self._pixels, chunk)
            waiting += [(x, entry.label) for x, entry in zip(pixels, chunk) if x is not None]
            if len(waiting) >= batch_size:
                yield self._batch(waiting[:batch_size])
                waiting = waiting[batch_size:]
        if waiting:
            yield self._batch(waiting)

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

    def _batch(self, rows: Sequence[tuple[np.ndarray, int]]) -> Batch:
        x = torch.from_numpy(np.stack([pixels for pixels, _ in rows]))
        return Batch(from_uint8(x), torch.tensor([label for _, label in rows]) if self.pattern.labelled else None)


def stream(name: str, feeds: Mapping[str, Feed], classes: tuple[str, ...], options: Options) -> Dataset:
    """The data set of these parts, with what is held out in memory.

    Raises:
        InputError: the source has too few images to hold some out, or a held-out one is broken.
    """
    if options.limit is not None:
        raise InputError(f"limit {options.limit}: a stream is not cut short; leave --limit or --stream out")
    skip = 0
    held: dict[str, InMemory | OnDemand] = {}
    notes: tuple[Finding, ...] = ()
    for part, n in HELD.items():
        entries = list(islice(feeds.get(part, feeds[TRAIN]).entries(0 if part in feeds else skip), n))
        skip += 0 if part in feeds else len(entries)
        if not entries:
            raise InputError(f"{name} has too few images to hold some out: read it without --stream")
        held[part], _, said = read(entries, options._replace(stream=False), labelled=bool(classes))
        notes += said
    apart = ~np.isin(held[VALIDATION].digests, held[TEST].digests)
    held[VALIDATION] = held[VALIDATION].take(np.flatnonzero(apart))
    event = held[TEST].event
    known = frozenset(np.concatenate([p.digests for p in held.values()]).tolist())
    form = decode.Form(event[0], options.size)
    pattern = Pattern(form, event, skip, known, bool(classes), options.skip_broken)
    parts = {TRAIN: Stream(feeds[TRAIN], pattern), **held}
    return assemble(name, "images", parts, options, classes=classes, notes=notes)
