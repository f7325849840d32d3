"""Work done one piece ahead by a thread, and batches that are on the device before they are asked for."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor

from likeness.data.batch import Batch

T = TypeVar("T")
Place = dict[str, int]
Placed = tuple[Batch, Place]  # a batch, and where in the data it ends


def ahead(found: Iterator[T]) -> Iterator[T]:
    """The same, while a thread prepares the next one."""
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(_next, found)
        while (one := waiting.result()) is not None:
            waiting = pool.submit(_next, found)
            yield one[0]


def on_device(found: Iterator[Placed], device: torch.device) -> Iterator[Placed]:
    """The batches on the device, one prepared ahead; on a GPU it is copied while the one before is learned from."""
    if device.type != "cuda":
        return ((moved(batch, device), place) for batch, place in ahead(found))
    return _from_side(found, device)


def moved(batch: Batch, device: torch.device) -> Batch:
    """The batch on the device."""
    x, y, index = (None if t is None else t.to(device, non_blocking=True) for t in batch)
    assert x is not None
    return Batch(x, y, index)


class _Sent(NamedTuple):
    """A batch on its way to the GPU; it is there when the event has happened."""

    batch: Batch
    place: Place
    there: Any


def _from_side(found: Iterator[Placed], device: torch.device) -> Iterator[Placed]:
    """Pinned memory and a stream of its own let the copy run beside the computation."""
    side = torch.cuda.Stream(device)

    def sent() -> Iterator[_Sent]:
        for batch, place in found:
            with torch.cuda.stream(side):  # also makes the GPU this thread's own
                pinned = Batch(*(None if t is None else t.pin_memory() for t in batch))  # type: ignore[arg-type]
                there = moved(pinned, device)
                event = torch.cuda.Event()
                event.record(side)
            yield _Sent(there, place, event)

    for batch, place, there in ahead(sent()):
        now = torch.cuda.current_stream(device)
        now.wait_event(there)
        for t in batch:
            if isinstance(t, Tensor):
                t.record_stream(now)  # its memory is not given to the side again before the computation is done
        yield batch, place


def _next(found: Iterator[T]) -> tuple[T] | None:
    for one in found:
        return (one,)
    return None
