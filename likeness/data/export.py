"""Samples to files and back.

What is written is decided by the end of the path: `.npy`, `.npz` (under the name x), `.csv` and `.parquet` (rows of a
table, or vectors as columns x0, x1, …),
`.txt` (texts, a line of dashes between them), `.png` (one grid of images), or nothing (a folder of PNG files). Images
are written as uint8; vectors as float32. A file is whole or absent: it is written beside its place and then renamed.

What is read: uint8 images, be they an array or files, become floats in [-1, 1]; floats of any shape are taken as they
are, so images among them should be in [-1, 1]; other whole numbers become floats of the same value; tables must hold
numbers alone.
"""

import math
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from likeness.data import table
from likeness.data.arrays import SAMPLES, check_finite, open_arrays
from likeness.data.batching import whole
from likeness.data.columns import Columns, numbers
from likeness.data.dataset import Dataset, Options
from likeness.data.encoded import Entry
from likeness.data.encoded import read as read_pictures
from likeness.data.image_folder import images_in
from likeness.data.memory import from_uint8, to_uint8
from likeness.data.pixels import as_images
from likeness.data.splits import TRAIN
from likeness.data.vocabulary import Vocabulary
from likeness.errors import InputError, unknown
from likeness.files import replacing

if TYPE_CHECKING:
    import pyarrow as pa

ARRAYS, TABLES, GRID, TEXT = (".npy", ".npz"), (".csv", ".parquet"), ".png", ".txt"
RULE = "-" * 40  # between two texts


def write(x: Float[Tensor, "n ..."], path: str | Path, dataset: Dataset | Columns | Vocabulary | None = None) -> Path:
    """Write samples to a file or folder, and return its path.

    Args:
        dataset: the data set that rows of a table belong to, or its columns; the rows are then decoded.

    Raises:
        InputError: samples of this shape cannot be written so; the folder is not empty; the disk is full.
    """
    path, x = Path(path), x.detach().cpu().float()
    columns = dataset.columns or dataset.vocabulary if isinstance(dataset, Dataset) else dataset
    if isinstance(columns, Vocabulary) and path.suffix == TEXT:
        with replacing(path) as beside:
            beside.write_text(f"\n{RULE}\n".join(map(columns.decode, x)) + "\n", encoding="utf-8")
        return path
    columns = columns if isinstance(columns, Columns) else None
    _check(x, path)
    with replacing(path) as beside:
        if path.suffix in ARRAYS:
            _write_array(beside, path.suffix, x)
        elif path.suffix in TABLES:
            _write_table(beside, path.suffix, columns.decode(x) if columns else _vectors(x))
        elif path.suffix == GRID:
            _picture(_tiled(x)).save(beside, "PNG")
        else:
            _write_folder(beside, x)
    return path


def read(path: str | Path, *, size: int | None = None, channels: int | None = None) -> Float[Tensor, "n ..."]:
    """Samples from `.npy`, `.npz` (x, or its only array), `.csv`, `.parquet` or a folder of images of one size.

    Args:
        size, channels: of the images of a folder, as `load` takes them.

    Raises:
        InputError: the path is missing, of no known kind, or holds something other than finite numbers.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path} does not exist: check the path")
    if path.is_dir():
        return _read_folder(path, Options(size, channels))
    if path.suffix in ARRAYS:
        return _read_array(path)
    if path.suffix in table.SUFFIXES:
        return _read_table(path)
    raise unknown("kind of file of samples", path.name, (*ARRAYS, *table.SUFFIXES, "a folder of images"))


def _check(x: Tensor, path: Path) -> None:
    if path.suffix not in ("", GRID, *ARRAYS, *TABLES):
        raise unknown("ending", path.suffix, (GRID, *ARRAYS, *TABLES))
    if path.suffix in ("", GRID) and (x.ndim != 4 or x.shape[1] not in (1, 3)):
        raise InputError(f"samples of shape {tuple(x.shape[1:])} are no images: write {path.name} as .npy or .csv")
    if path.suffix in TABLES and x.ndim != 2:
        raise InputError(f"samples of shape {tuple(x.shape[1:])} are no rows: write {path.name} as .npy or a folder")
    if path.is_dir() and (path.suffix or any(path.iterdir())):
        raise InputError(f"{path} is a folder that is not empty: choose another name, or empty it first")


def _write_array(path: Path, suffix: str, x: Tensor) -> None:
    array = (to_uint8(x) if x.ndim == 4 else x).numpy()
    with path.open("wb") as file:
        np.save(file, array) if suffix == ".npy" else np.savez_compressed(file, x=array)


def _write_table(path: Path, suffix: str, rows: "pa.Table") -> None:
    from pyarrow import csv, parquet

    csv.write_csv(rows, path) if suffix == ".csv" else parquet.write_table(rows, path)


def _vectors(x: Tensor) -> "pa.Table":
    import pyarrow as pa

    return pa.table({f"x{i}": column.numpy() for i, column in enumerate(x.unbind(1))})


def _write_folder(path: Path, x: Tensor) -> None:
    path.mkdir()
    digits = len(str(len(x) - 1))
    for i, image in enumerate(to_uint8(x)):
        _picture(image).save(path / f"{i:0{digits}}.png")


def _tiled(x: Tensor) -> Tensor:
    """The images row by row in one that is about square; places without an image are black."""
    n, c, h, w = x.shape
    across = math.ceil(math.sqrt(n))
    down = math.ceil(n / across)
    sheet = torch.zeros(down * across, c, h, w, dtype=torch.uint8)
    sheet[:n] = to_uint8(x)
    return sheet.reshape(down, across, c, h, w).permute(2, 0, 3, 1, 4).reshape(c, down * h, across * w)


def _picture(image: UInt8[Tensor, "c h w"]) -> Image.Image:
    return Image.fromarray(
        image.permute(1, 2, 0).numpy().squeeze() if len(image) == 1 else image.permute(1, 2, 0).numpy()
    )


def _read_array(path: Path) -> Tensor:
    found = open_arrays(path)
    x = next((found[name] for name in SAMPLES if name in found), None)
    if x is None and len(found) == 1:
        x = next(iter(found.values()))
    if x is None:
        raise InputError(f"{path} has arrays {', '.join(found)}: name the samples x")
    if x.dtype.kind not in "biuf" or not x.ndim or not x.size:
        raise InputError(f"{path} holds {x.dtype} of shape {x.shape}: samples are numbers (n, …), n above 0")
    check_finite(x, str(path))
    if x.dtype == np.uint8 and x.ndim in (3, 4):
        return from_uint8(as_images(x, str(path)))
    return torch.from_numpy(x.astype(np.float32)).reshape(len(x), *(x.shape[1:] or (1,)))


def _read_table(path: Path) -> Tensor:
    rows = table.read_table(path)
    for name in rows.column_names:
        values = rows[name]
        if not _is_numeric(values.type):
            raise InputError(
                f"column {name!r} of {path} holds {values.type} ({values[0]}), not numbers: convert or drop it"
            )
    x = np.stack([numbers(column) for column in rows.columns], axis=1)
    check_finite(x, str(path))
    return torch.from_numpy(x.astype(np.float32))


def _is_numeric(kind: "pa.DataType") -> bool:
    from pyarrow import types

    return types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind) or types.is_boolean(kind)


def _read_folder(path: Path, options: Options) -> Tensor:
    files = images_in(path)
    if not files:
        raise InputError(f"no images in {path}: it needs PNG, JPEG or WebP files")
    entries = [Entry(str(file), partial(Path, file), TRAIN) for file in files]
    return whole(read_pictures(entries, options)[0]).x
