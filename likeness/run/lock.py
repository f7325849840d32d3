"""A lock on the folder of a run that dies with the process that holds it, so that two never train into one folder."""

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from likeness.errors import InputError

NAME = ".lock"
_held: set[Path] = set()  # by this process


@contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Hold the folder; the operating system lets go of it when the process ends, however it ends.

    What this process holds already it may hold again.

    Raises:
        InputError: another process holds it, or it cannot be written.
    """
    path = folder.resolve() / NAME
    if path in _held:
        yield
        return
    try:
        file = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {path} ({error.strerror}): make the folder writable") from None
    with file:
        if not _taken(file):
            file.seek(0)
            raise InputError(f"{folder} is in use by {file.read().strip() or 'another process'}: wait for it")
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
        file.flush()
        _held.add(path)
        try:
            yield
        finally:
            _held.discard(path)


def _taken(file: IO[str]) -> bool:
    """Try for a moment, which is as long as somebody who only looks (`locked`) holds it."""
    for _ in range(10):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            time.sleep(0.02)
        else:
            return True
    return False


def locked(folder: Path) -> bool:
    """Whether a process holds the folder now."""
    try:
        with (folder / NAME).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
