"""Batches by index: no worker processes, no copies that nobody asked for, the same order for the same seed."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count, islice
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from likeness.data.batch import Batch, Split
from likeness.data.memory import InMemory
from likeness.errors import InputError


@runtime_checkable
class Ordered(Protocol):
    """A split that can only be read from front to back, such as a stream from the hub."""

    def batches(self, batch_size: int, seed: int) -> Iterator[Batch]: ...

    def first(self, n: int | None) -> Batch: ...


def batches(
    split: Split,
    batch_size: int,
    *,
    seed: int = 0,
    steps: int | None = None,
    start: int = 0,
    device: torch.device | str = "cpu",
) -> Iterator[Batch]:
    """Shuffled epochs without end, or `steps` batches of them; full batches only, the same for the same seed.

    Samples in memory stay on `device` for as long as the iterator lives, where they fit in half of what is free
    there. Samples that have to be decoded are decoded one batch ahead.

    Args:
        start: the number of batches to pass over, so that a run that stopped continues as if it had not.

    Raises:
        InputError: the batch is smaller than one or larger than the split.
    """
    if batch_size < 1:
        raise InputError(f"batch size {batch_size}: use 1 or more")
    device = torch.device(device)
    if isinstance(split, Ordered):
        return _one_ahead(islice(split.batches(batch_size, seed), start, _end(start, steps)), device)
    if batch_size > len(split):
        raise InputError(
            f"batch size {batch_size} exceeds the {len(split)} samples there are: use {len(split)} or fewer"
        )
    skipped, first = divmod(start, len(split) // batch_size)
    places = islice(_places(len(split), batch_size, seed, skipped), first, _end(first, steps))
    if isinstance(split, InMemory):
        return _from_memory(split, places, device)
    return _one_ahead((split[index] for index in places), device)


def whole(split: Split, limit: int | None = None) -> Batch:
    """The samples of a split as one batch, or the first `limit` of them."""
    if isinstance(split, Ordered):
        return split.first(limit)
    return split[torch.arange(len(split) if limit is None else min(limit, len(split)))]


def _places(n: int, batch_size: int, seed: int, epoch: int) -> Iterator[Tensor]:
    """The places of each batch, from an epoch on; the order of an epoch depends on the seed and its number alone."""
    for e in count(epoch):
        order = torch.from_numpy(np.random.default_rng((seed, e)).permutation(n))
        yield from order[: n - n % batch_size].split(batch_size)


def _from_memory(split: InMemory, places: Iterator[Tensor], device: torch.device) -> Iterator[Batch]:
    if device.type == "cuda" and split.nbytes < torch.cuda.mem_get_info(device)[0] / 2:
        here = split.to(device)
        return (here[index.to(device, non_blocking=True)] for index in places)
    return (_moved(split[index], device) for index in places)


def _one_ahead(found: Iterator[Batch], device: torch.device) -> Iterator[Batch]:
    """The batches on the device, while a thread prepares the next one."""
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(next, found, None)
        while (batch := waiting.result()) is not None:
            waiting = pool.submit(next, found, None)
            yield _moved(batch, device)


def _moved(batch: Batch, device: torch.device) -> Batch:
    x, y, index = (None if t is None else t.to(device, non_blocking=True) for t in batch)
    assert x is not None
    return Batch(x, y, index)


def _end(start: int, steps: int | None) -> int | None:
    return None if steps is None else start + steps
