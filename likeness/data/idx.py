"""Files in the format of MNIST, packed with gzip or not.

A folder holds `train-images-idx3-ubyte` and `train-labels-idx1-ubyte` with the training part, `t10k-…` with the test
part, each perhaps with `.gz` at the end; names before `train` or `t10k` (as in EMNIST) may stand. A file begins with
two zero bytes, the type of its numbers (8: unsigned bytes), the number of its dimensions, and each of them in four
bytes, the largest first. Yann LeCun, Corinna Cortes, Christopher J. C. Burges. The MNIST database of handwritten
digits. 1998. http://yann.lecun.com/exdb/mnist/
"""

import gzip
import zlib
from pathlib import Path

import numpy as np

from likeness.data.arrays import Arrays
from likeness.data.splits import TEST, TRAIN
from likeness.errors import InputError

UNSIGNED = 8


def idx_files(path: Path) -> list[Path]:
    """The files of images in a folder, or the file itself if it is one."""
    if path.is_file():
        return [path] if "idx" in path.name else []
    return sorted(f for f in path.iterdir() if "images" in f.name and "idx" in f.name)


def read_idx(path: Path) -> dict[str, Arrays]:
    """The parts of a folder, or the one part of a file of images with its labels beside it.

    Raises:
        InputError: a file is cut short or of another format; a part stands twice.
    """
    parts: dict[str, Arrays] = {}
    for file in idx_files(path):
        part = TEST if path.is_dir() and ("t10k" in file.name or "test" in file.name) else TRAIN
        if part in parts:
            raise InputError(f"{file} is a second {part} part in {path}: keep one set of files in a folder")
        labels = file.with_name(file.name.replace("images", "labels").replace("idx3", "idx1"))
        parts[part] = Arrays(str(file), array(file), array(labels) if labels != file and labels.exists() else None)
    if TRAIN not in parts:
        raise InputError(f"{path} has no training images: add train-images-idx3-ubyte")
    return parts


def array(path: Path) -> np.ndarray:
    """The numbers of one file."""
    try:
        raw = path.read_bytes()
        raw = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"cannot read {path} ({error}): fetch it again") from error
    if raw[:2] != b"\0\0" or len(raw) < 4 or raw[2] != UNSIGNED:
        raise InputError(f"{path} is not in the format of MNIST with unsigned bytes: check what it is")
    start = 4 + 4 * raw[3]
    shape = [int.from_bytes(raw[i : i + 4], "big") for i in range(4, start, 4)]
    if len(raw) - start != np.prod(shape, dtype=np.int64):
        raise InputError(
            f"{path} has {len(raw) - start} bytes of data where {shape} needs {np.prod(shape)}: fetch it again"
        )
    return np.array(np.frombuffer(raw, np.uint8, offset=start)).reshape(shape)
