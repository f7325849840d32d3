"""Files that are whole or absent: written beside their place, flushed to the disk, then renamed."""

import errno
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from likeness.errors import InputError

LEFT = re.compile(r"\..+\.\d+")  # what `replacing` and `remove` call a thing while they are at it


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A place beside `path` for a file or a folder; what is there at the end takes the place of `path` in one go.

    Raises:
        InputError: the disk is full or the folder cannot be written; what stood at `path` still stands.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield beside
        if beside.is_dir():
            if path.is_dir():
                path.rmdir()  # only an empty one can be
            for inner in beside.rglob("*"):
                flush(inner)
        flush(beside)
        beside.replace(path)
        flush(path.parent)
    except OSError as error:
        raise _explained(path, error) from error
    finally:
        with suppress(OSError):  # a disk that takes nothing: the first error says so
            shutil.rmtree(beside) if beside.is_dir() else beside.unlink(missing_ok=True)


def flush(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove(folder: Path) -> None:
    """Delete a folder so that it is there whole, or not under its name."""
    hidden = folder.with_name(f".{folder.name}.{os.getpid()}")
    folder.rename(hidden)
    shutil.rmtree(hidden)


def tidy(folder: Path) -> None:
    """Delete what processes that were killed left half-written or half-deleted in a folder and the folders in it."""
    for left in list(folder.rglob(".*")):
        if LEFT.fullmatch(left.name) and left.exists():
            shutil.rmtree(left) if left.is_dir() else left.unlink()


def write_json(path: Path, value: Any) -> None:
    """`value` as JSON at `path`. NaN and infinities are refused: JSON has none."""
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
    with replacing(path) as beside:
        beside.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Raises InputError where the file is missing or is no JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path} does not exist: check the path") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not valid JSON ({error}): restore it from a copy") from None


def _explained(path: Path, error: OSError) -> InputError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return InputError(f"no space left to write {path}: free some and run again; what was there before still stands")
    return InputError(f"cannot write {path} ({error.strerror or error}): choose another place")
