"""Encoded images, from a folder or from the hub, as a data set: in memory where they fit, else decoded on demand.

Every image is decoded once while the set is read, so that a broken one, or one that stands twice, is known before
anything is learned. The pixels are kept unless they are more than RESIDENT_BYTES or a stream was asked for.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from os import cpu_count
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from jaxtyping import Int
from PIL import UnidentifiedImageError
from torch import Tensor

from likeness.data import decode
from likeness.data.batch import Batch
from likeness.data.dataset import Dataset, Options, assemble
from likeness.data.memory import Digests, InMemory, Places, digests, from_uint8
from likeness.data.pixels import check_form
from likeness.data.splits import divide
from likeness.errors import InputError
from likeness.findings import Finding

RESIDENT_BYTES = 2**30
SHOWN = 3  # broken images named in a finding
CHUNK = 4096  # images between two reports of progress

R = TypeVar("R")


class Entry(NamedTuple):
    """One encoded image: its name in messages, how to open it, the part it belongs to, its class."""

    name: str
    open: Callable[[], decode.Source]
    part: str
    label: int = 0


class Broken(NamedTuple):
    """An image that could not be read, and why."""

    name: str
    reason: str


def attempt(entry: Entry, action: Callable[[], R]) -> R | Broken:
    """The result of the action, or why the image could not be read."""
    try:
        return action()
    except decode.FAILURES as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return Broken(entry.name, "no image" if isinstance(error, UnidentifiedImageError) else reason)


class OnDemand:
    """A split of encoded images, each decoded when it is asked for, many at a time."""

    def __init__(
        self,
        entries: Sequence[Entry],
        form: decode.Form,
        event: tuple[int, ...],
        labels: Tensor | None,
        hashes: Digests,
    ) -> None:
        self.entries, self.form, self.event, self.labels, self.digests = entries, form, event, labels, hashes
        self.pool = ThreadPoolExecutor(cpu_count())

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, index: Int[Tensor, " b"]) -> Batch:
        images = self.pool.map(lambda i: decode.pixels(self.entries[i].open(), self.form), index.tolist())
        x = torch.from_numpy(np.stack(list(images)))
        return Batch(from_uint8(x), None if self.labels is None else self.labels[index], index)

    def take(self, places: Places) -> "OnDemand":
        """The images at those places of this split."""
        labels = None if self.labels is None else self.labels[torch.from_numpy(places)]
        return OnDemand([self.entries[i] for i in places], self.form, self.event, labels, self.digests[places])


def pictures(name: str, entries: Sequence[Entry], classes: tuple[str, ...], options: Options) -> Dataset:
    """The data set of these images; raises what `read` raises."""
    split, good, notes = read(entries, options, labelled=bool(classes))
    of = np.array([entries[i].part for i in good])
    given = {part: split.take(np.flatnonzero(of == part)) for part in dict.fromkeys(of.tolist())}
    parts, copies = divide(given, seed=options.seed, limit=options.limit)
    return assemble(name, "images", parts, options, classes=classes, notes=notes + copies)


def read(
    entries: Sequence[Entry], options: Options, *, labelled: bool = False
) -> tuple[InMemory | OnDemand, Places, tuple[Finding, ...]]:
    """All the images that are sound, their places among the entries, and what there is to say.

    Raises:
        InputError: some are broken and `skip_broken` was not asked for, or they differ in size and no `size` was given.
    """
    check_form(options.size, options.channels)
    form, event = _form(entries, _each(partial(_header, entries), len(entries), options), options)
    large = len(entries) * int(np.prod(event)) > RESIDENT_BYTES
    kept = None if options.stream or large else torch.empty(len(entries), *event, dtype=torch.uint8)
    hashes = _each(partial(_examined, entries, form, kept), len(entries), options)
    notes = _refuse([h for h in hashes if isinstance(h, Broken)], len(entries), options.skip_broken)
    good = np.flatnonzero([not isinstance(h, Broken) for h in hashes])
    labels = torch.tensor([e.label for e in entries]) if labelled else None
    if kept is not None:
        return InMemory(kept, labels, torch.from_numpy(good)), good, notes
    sound = np.array([0 if isinstance(h, Broken) else h for h in hashes], np.uint64)
    return OnDemand(entries, form, event, labels, sound).take(good), good, notes


def _header(entries: Sequence[Entry], i: int) -> decode.Header | Broken:
    return attempt(entries[i], lambda: decode.header(entries[i].open()))


def _examined(entries: Sequence[Entry], form: decode.Form, kept: Tensor | None, i: int) -> int | Broken:
    """The hash of an image's pixels, which are kept where there is room."""

    def examine() -> int:
        x = decode.pixels(entries[i].open(), form)
        if kept is not None:
            kept[i] = torch.from_numpy(x)
        return int(digests(x[None])[0])

    return attempt(entries[i], examine)


def _each(action: Callable[[int], R], n: int, options: Options) -> list[R]:
    """The action on every place, on all cores, in order; it tells how far it is."""
    results: list[R] = []
    with ThreadPoolExecutor(cpu_count()) as pool:
        for start in range(0, n, CHUNK):
            results += pool.map(action, range(start, min(n, start + CHUNK)))
            if options.progress is not None:
                options.progress(len(results), n)
    return results


def _form(
    entries: Sequence[Entry], headers: Sequence[decode.Header | Broken], options: Options
) -> tuple[decode.Form, tuple[int, int, int]]:
    """What all images become, and the shape of one."""
    good = [(entry.name, h) for entry, h in zip(entries, headers) if isinstance(h, decode.Header)]
    if not good:
        _refuse([h for h in headers if isinstance(h, Broken)], len(entries), skip=False)
    channels = options.channels or max(h.channels for _, h in good)
    if options.size is not None:
        return decode.Form(channels, options.size), (channels, options.size, options.size)
    name, first = good[0]
    for other, h in good:
        if h[:2] != first[:2]:
            sizes = f"{name} is {first.width} × {first.height}, {other} is {h.width} × {h.height} pixels"
            raise InputError(f"images of different sizes ({sizes}): give one size for all, such as --size 64")
    return decode.Form(channels, None), (channels, first.height, first.width)


def _refuse(broken: Sequence[Broken], total: int, skip: bool) -> tuple[Finding, ...]:
    """What to say of the broken images, or the error if they are not to be skipped or nothing else is left."""
    if not broken:
        return ()
    named = ", ".join(f"{b.name} ({b.reason})" for b in broken[:SHOWN]) + (" …" if len(broken) > SHOWN else "")
    if skip and len(broken) < total:
        saw = f"{len(broken)} of {total} images are broken and were skipped: {named}."
        return (Finding("broken-files", saw, "Repair or remove them."),)
    remedy = "supply whole ones" if skip else "repair or remove them, or skip them (--skip-broken)"
    raise InputError(f"broken image {broken[0].name} ({broken[0].reason}), {len(broken)} of {total} in all: {remedy}")
