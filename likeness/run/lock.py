"""A lock on the folder of a run that dies with the process that holds it, so that two never train into one folder."""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from likeness.errors import InputError

NAME = ".lock"


@contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Hold the folder; the operating system lets go of it when the process ends, however it ends.

    Raises:
        InputError: another process holds it, or it cannot be written.
    """
    path = folder / NAME
    try:
        file = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {path} ({error.strerror}): make the folder writable") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            raise InputError(f"{folder} is in use by {file.read().strip() or 'another process'}: wait for it") from None
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
        file.flush()
        yield


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
