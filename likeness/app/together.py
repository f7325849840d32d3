"""A verb's work on as many processes as were started for it, of which the first one speaks."""

from collections.abc import Iterator
from contextlib import contextmanager

from likeness.app.console import device, quiet, threads
from likeness.run import processes


@contextmanager
def together(where: str, n_threads: int | None) -> Iterator[str]:
    """Work with the other processes, where there are any; gives the device of this one.

    Args:
        where: the device that was asked for.

    Raises:
        InputError: the device does not exist here, or the processes do not meet.
    """
    threads(n_threads)
    mine = processes.device(device(where))
    with quiet(processes.rank() > 0), processes.joined(mine):
        yield mine
