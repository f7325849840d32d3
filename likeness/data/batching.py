"""Batches by index: no worker processes, no copies that nobody asked for, the same order for the same seed.

Several processes get their rows of the same batches (`likeness.ranks`); of a stream, each has entries of its own.
"""

from collections.abc import Iterator, Mapping
from itertools import count, islice
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from likeness.data.ahead import Place, Placed, moved, on_device
from likeness.data.batch import Batch, Split
from likeness.data.memory import InMemory
from likeness.errors import InputError
from likeness.ranks import Part, world


class Batches(Iterator[Batch]):
    """Batches that know their place: `state_dict()` belongs to the last one handed out, whatever was read ahead."""

    def __init__(self, found: Iterator[Placed], place: Place) -> None:
        self.found, self.place = found, place

    def __next__(self) -> Batch:
        batch, self.place = next(self.found)
        return batch

    def state_dict(self) -> Place:
        """What `batches(state=...)` goes on from."""
        return dict(self.place)


@runtime_checkable
class Ordered(Protocol):
    """A split that can only be read from front to back, such as a stream from the hub."""

    def batches(self, batch_size: int, seed: int, state: Mapping[str, int] | None = None) -> Batches: ...

    def first(self, n: int | None) -> Batch: ...


def batches(
    split: Split,
    batch_size: int,
    *,
    seed: int = 0,
    steps: int | None = None,
    start: int = 0,
    state: Mapping[str, int] | None = None,
    device: torch.device | str = "cpu",
) -> Batches:
    """Shuffled epochs without end, or `steps` batches of them; full batches only, the same for the same seed.

    Samples in memory stay on `device` for as long as the iterator lives, where they fit in half of what is free
    there. Samples that have to be decoded are decoded, and copied to the device, one batch ahead.

    Args:
        batch_size: of all processes together; each gets its part.
        steps: how many batches are still to come.
        start: the number of batches to pass over, so that a run that stopped continues as if it had not.
        state: the `state_dict()` of such an iterator, to go on behind its last batch.

    Raises:
        InputError: the batch is smaller than the number of processes or larger than the split, or the state is that
            of another kind of data.
    """
    least = world().size
    if batch_size < least:
        why = f"use {least} or more, one for each process" if least > 1 else "use 1 or more"
        raise InputError(f"batch size {batch_size}: {why}")
    device, stop = torch.device(device), None if steps is None else start + steps
    if isinstance(split, Ordered):
        stream = split.batches(batch_size, seed, state)
        return Batches(on_device(islice(stream.found, start, stop), device), stream.place)
    if batch_size > len(split):
        raise InputError(
            f"batch size {batch_size} exceeds the {len(split)} samples there are: use {len(split)} or fewer"
        )
    first = start + resumed(state, {"batches": 0})["batches"]
    places = _places(len(split), batch_size, seed, first, world().part(batch_size))
    return Batches(_indexed(split, islice(places, steps), device), {"batches": first})


def whole(split: Split, limit: int | None = None) -> Batch:
    """The samples of a split as one batch, or the first `limit` of them."""
    if isinstance(split, Ordered):
        return split.first(limit)
    return split[torch.arange(len(split) if limit is None else min(limit, len(split)))]


def resumed(state: Mapping[str, int] | None, beginning: Place) -> Place:
    """The place to begin at. Raises InputError where it is one in data of another kind."""
    if state is None:
        return beginning
    if state.keys() != beginning.keys():
        raise InputError(
            f"a place in the data of {', '.join(state) or 'nothing'} was given, this data counts "
            f"{', '.join(beginning)}: go on with the data that the place was in"
        )
    return dict(state)


def _places(n: int, batch_size: int, seed: int, first: int, part: Part) -> Iterator[tuple[Tensor, Place]]:
    """The places of each batch that this process holds; the order of an epoch depends on seed and number alone."""
    epoch, passed = divmod(first, n // batch_size)
    for e in count(epoch):
        order = torch.from_numpy(np.random.default_rng((seed, e)).permutation(n))
        for index in order[passed * batch_size : n - n % batch_size].split(batch_size):
            first += 1
            yield index[part.start : part.start + part.n], {"batches": first}
        passed = 0


def _indexed(split: Split, places: Iterator[tuple[Tensor, Place]], device: torch.device) -> Iterator[Placed]:
    if not isinstance(split, InMemory):
        return on_device(((split[index], place) for index, place in places), device)
    if device.type == "cuda" and split.nbytes < torch.cuda.mem_get_info(device)[0] / 2:
        here = split.to(device)
        return ((here[index.to(device)], place) for index, place in places)
    if device.type == "cuda":
        return on_device(((split[index], place) for index, place in places), device)
    return ((moved(split[index], device), place) for index, place in places)
