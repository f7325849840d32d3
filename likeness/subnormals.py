"""Numbers too small for all of a float's digits, taken as zero while something trains.

Averages that decay, such as those that Adam keeps of a pixel that is always black or of a unit that has died, end
below 1e-38 and stay there, since 0.9 times the smallest number rounds to itself. A processor takes up to a hundred
times as long for each of them: a training that began with 3.2 ms a step went on with 5.6.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


def flush() -> None:
    """From now on, in this thread and in those it starts: call it before torch starts its own."""
    torch.set_flush_denormal(True)


@contextmanager
def flushed() -> Iterator[None]:
    """Inside, in this thread; afterwards as it was. Where a processor cannot, nothing happens."""
    before = bool((torch.full((1,), 1e-40) * 1 == 0).item())
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)
