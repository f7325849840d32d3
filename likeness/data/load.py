"""The one way in: `load(name)` finds data by path or name and reads what it finds."""

import os
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from likeness.data import image_folder, lines, table, text
from likeness.data.arrays import arrays, read_arrays
from likeness.data.dataset import Dataset, Options
from likeness.data.embedded import EMBEDDED, embedded
from likeness.data.hub import hub
from likeness.data.idx import idx_files, read_idx
from likeness.data.shards import is_sharded, shards
from likeness.data.splits import TRAIN
from likeness.errors import InputError, unknown

ARRAYS, TABLES = (".npy", ".npz"), tuple(table.SUFFIXES)
LIKELY_SLIP = 0.8  # a name so near a known one is a slip of the pen, not a name to ask the hub for


def load(
    name: str | Path,
    *,
    size: int | None = None,
    channels: int | None = None,
    seed: int = 0,
    label: str | None = None,
    skip_broken: bool = False,
    stream: bool = False,
    limit: int | None = None,
    drop: Sequence[str] = (),
    progress: Callable[[int, int], object] | None = None,
    tokens: Literal["characters", "pieces", "words"] = "characters",
    length: int | None = None,
    pieces: int | None = None,
) -> Dataset:
    """Read a data set.

    A name is looked up in this order: a file or folder of that path; one in the folder that the environment variable
    LIKENESS_DATA names; an embedded set or a toy; a set on the Hugging Face hub (`owner/set`, or `owner/set:config`).

    A folder may hold images (see `image_folder`), text lines with transcriptions (see `lines`), files in MNIST's format
    (see `idx`), shards of images (`.tar`, `.parquet`; see `shards`), which are always streamed, or one array or table,
    or one for each part (`train.csv`, `test.csv`). Files are arrays (`.npy`, `.npz`; see `arrays`) tables (`.csv`,
    `.tsv`, `.parquet`; see `table`) or text (`.txt`, also in a folder or a `.zip`; see `text`).
    What is held out, and how copies are kept from it, is said in `splits`.

    Args:
        size: the side of square images, in pixels; `pixels` says how they get it.
        channels: 1 for grey images, 3 for colour.
        seed: decides what is held out where the source does not say, the order of the samples, and toys.
        label: the column (of a table, a hub set or Parquet shards), the array (of an `.npz`) or the entry (of the JSON
            in tar shards) with the classes.
        skip_broken: leave out images that cannot be decoded, and say so in the notes, instead of raising.
        stream: hold nothing: decode images on demand, map a `.npy` file, read a hub set without fetching it first.
        limit: keep at most so many training samples.
        drop: columns of a table to leave out.
        progress: called with how many of how many images have been looked at.
        tokens: what text is cut into, words being those that stand five times or more; `pieces` of them at most, and
            `length` in a window.

    Raises:
        InputError: the name is not known, a path does not exist, or what is there cannot be read.
    """
    options = Options(
        size, channels, seed, label, skip_broken, stream, limit, tuple(drop), progress, tokens, length, pieces
    )
    name = str(name)
    if not name:
        raise unknown("data set", name, EMBEDDED)
    path = _find(name)
    if path is not None:
        return _read(path, options)
    if name in EMBEDDED:
        return embedded(name, options)
    if _is_path(name):
        raise InputError(f"{name} does not exist: check the path")
    return _from_hub(name, options)


def _find(name: str) -> Path | None:
    """The file or folder of that name, here or in the folder of data."""
    shelf = os.environ.get("LIKENESS_DATA")
    places = [Path(name).expanduser()] + ([Path(shelf).expanduser() / name] if shelf else [])
    return next((place for place in places if place.exists()), None)


def _is_path(name: str) -> bool:
    """Whether the name cannot be one on the hub: rooted, deep, in a folder that exists, or ending like a file."""
    path = Path(name).expanduser()
    in_folder = path.parent != Path() and path.parent.is_dir()
    return name.startswith((".", "~", os.sep)) or name.count("/") > 1 or in_folder or path.suffix[1:].isalpha()


def _read(path: Path, options: Options) -> Dataset:
    """What stands at a path, by its kind."""
    if path.is_dir():
        return _read_folder(path, options)
    if is_sharded(path):
        return shards(path, options)
    if path.suffix in ARRAYS:
        return arrays(path.name, *read_arrays(path, options), options)
    if path.suffix in TABLES:
        return table.tables(path.name, {TRAIN: table.read_table(path)}, options)
    if path.suffix in text.SUFFIXES:
        return text.texts(path.name, text.read_text(path), options)
    if idx_files(path):
        return arrays(path.name, read_idx(path), (), options)
    raise InputError(
        f"{path} is of no known kind: use a folder of images, or {', '.join((*ARRAYS, *TABLES, *text.SUFFIXES))}"
    )


def _read_folder(path: Path, options: Options) -> Dataset:  # noqa: PLR0911
    if lines.is_lines(path):
        return lines.lines(path, options)
    if idx_files(path):
        return arrays(path.name, read_idx(path), (), options)
    if is_sharded(path) and not image_folder.images_in(path):
        return shards(path, options)
    files = sorted(f for f in path.iterdir() if f.suffix in (*ARRAYS, *TABLES))
    written = [f for f in sorted(path.iterdir()) if f.suffix in text.SUFFIXES]
    if written and not files and not image_folder.images_in(path):
        only = path if any(f.suffix == ".txt" for f in written) else written[0]
        return text.texts(path.name, text.read_text(only), options)
    if not files or image_folder.images_in(path):
        return image_folder.folder(path, options)
    parts = {image_folder.PARTS[f.stem]: f for f in files if f.stem in image_folder.PARTS}
    if TRAIN not in parts:
        if len(files) > 1:
            raise InputError(f"{path} has several files ({', '.join(f.name for f in files)}): name one of them")
        return _read(files[0], options)
    if {f.suffix for f in parts.values()} <= set(TABLES):
        return table.tables(path.name, {part: table.read_table(f) for part, f in parts.items()}, options)
    found = {part: read_arrays(f, options) for part, f in parts.items()}
    return arrays(path.name, {part: given[TRAIN] for part, (given, _) in found.items()}, found[TRAIN][1], options)


def _from_hub(name: str, options: Options) -> Dataset:
    shelf = os.environ.get("LIKENESS_DATA")
    known = (*EMBEDDED, *(sorted(p.name for p in Path(shelf).expanduser().glob("*/")) if shelf else ()))
    if get_close_matches(name, known, n=1, cutoff=LIKELY_SLIP):
        raise unknown("data set", name, known)
    return hub(name, options, known)
