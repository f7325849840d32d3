"""Arrays as data: `.npy` files, `.npz` files and what other readers hand over.

Names in an `.npz`: samples are `x`, `images`, `image`, `data` or `samples`; labels are `y`, `labels`, `label`,
`target` or `targets`; either with the part before or after it (`x_train`, `test_images`; the parts are those of a
folder). A single array needs no name. `classes` may hold the names of the labels 0, 1, ….

What an array is:

- (n,) or (n, d): vectors, as float32.
- (n, height, width), (n, channels, height, width) or (n, height, width, channels) with 1, 3 or 4 channels: images.
  Transparency is laid over white. Integers must lie in 0 … 255. Floats in [-1, 1] are taken as they are; floats in
  [0, 1] are brightness and are stretched to [-1, 1]; so are floats in [0, 255].
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor

from likeness.data.dataset import Dataset, Options, assemble
from likeness.data.image_folder import PARTS
from likeness.data.memory import InMemory
from likeness.data.pixels import as_images, prepared
from likeness.data.splits import TRAIN, divide
from likeness.errors import InputError, unknown

SAMPLES = ("x", "images", "image", "data", "samples")
LABELS = ("y", "labels", "label", "target", "targets")
LARGE = 2**28  # bytes beyond which a .npy file is mapped into memory instead of read
CHUNK = 2**24  # bytes looked at together


class Arrays(NamedTuple):
    """One part: where it is from (for messages), its samples and its labels."""

    source: str
    x: np.ndarray
    y: np.ndarray | None = None


def read_arrays(path: Path, options: Options) -> tuple[dict[str, Arrays], tuple[str, ...]]:
    """The parts of a file and the names of its classes, which may be none.

    Raises:
        InputError: the file cannot be read, holds pickled objects, or has no array of a known name.
    """
    found = open_arrays(path, options.stream)
    if path.suffix == ".npy":
        return {TRAIN: Arrays(str(path), found["x"])}, ()
    names = tuple(_text(name) for name in found.pop("classes", ()))
    labels = LABELS if options.label is None else (options.label,)
    parts = {}
    for part, ways in _spellings().items():
        key = _first(found, (way.format(name) for name in SAMPLES for way in ways))
        if key is not None:
            y = _first(found, (way.format(name) for name in labels for way in ways))
            parts[part] = Arrays(f"{path}, array {key}", found[key], None if y is None else found[y])
    if not parts and len(found) == 1:
        parts = {TRAIN: Arrays(str(path), *found.values())}
    if TRAIN not in parts:
        raise InputError(
            f"{path} has arrays {', '.join(found)}: name the samples x (or x_train), the labels y (or y_train)"
        )
    if options.label is not None and parts[TRAIN].y is None:
        raise unknown("label", options.label, found)
    return parts, names


def arrays(name: str, given: Mapping[str, Arrays], names: tuple[str, ...], options: Options) -> Dataset:
    """The data set of these parts.

    Raises:
        InputError: samples are neither vectors nor images or not finite, or labels do not fit them.
    """
    if options.label is not None and given[TRAIN].y is None:
        raise InputError(f"label {options.label!r}: {given[TRAIN].source} has no labels; leave it out")
    labels, classes = _labels(given, names)
    parts = {part: InMemory(samples(a, options), labels.get(part)) for part, a in given.items()}
    if len({p.event for p in parts.values()}) > 1:
        raise InputError(
            f"the parts of {name} have samples of shapes {sorted({p.event for p in parts.values()})}: make them alike"
        )
    images = len(parts[TRAIN].event) == 3
    divided, notes = divide(parts, seed=options.seed, limit=options.limit)
    return assemble(name, "images" if images else "vectors", divided, options, classes=classes, notes=notes)


def samples(given: Arrays, options: Options) -> Tensor:
    """Vectors as float32 (n, d); images as uint8, or as float32 in [-1, 1], (n, channels, height, width)."""
    x, source = given.x, given.source
    if x.dtype.kind not in "biuf":
        raise InputError(f"{source} holds {x.dtype}, not numbers: convert it")
    if x.ndim not in (1, 2, 3, 4) or not x.size:
        raise InputError(
            f"{source} has shape {x.shape}: vectors are (n, d), images (n, c, h, w) or (n, h, w, c), n above 0"
        )
    check_finite(x, source)
    if x.ndim > 2:
        return prepared(as_images(x, source), options.size, options.channels)
    if options.size is not None or options.channels is not None:
        raise InputError(f"{source} holds vectors: size and channels are for images; leave them out")
    return torch.from_numpy(x.reshape(len(x), -1).astype(np.float32, copy=False))


def open_arrays(path: Path, stream: bool = False) -> dict[str, np.ndarray]:
    """The arrays of a file by name; that of a `.npy` is called x. A large `.npy` stays on the disk.

    Raises:
        InputError: the file is cut short, of another format, or holds pickled objects, which could run code.
    """
    try:
        if path.suffix == ".npy":
            mapped = stream or path.stat().st_size > LARGE
            return {"x": np.load(path, mmap_mode="c" if mapped else None, allow_pickle=False)}
        with np.load(path, allow_pickle=False) as file:
            return {key: file[key] for key in file.files}
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        if "pickle" in str(error):
            raise InputError(
                f"{path} is no array file or holds pickled objects, which are never loaded: save plain arrays"
            ) from error
        raise InputError(f"cannot read {path} ({str(error).splitlines()[0]}): save it again") from error


def check_finite(x: np.ndarray, source: str) -> None:
    """Raises InputError with the place of the first value that is no finite number, and how many there are."""
    if x.dtype.kind != "f":
        return
    rows = max(1, CHUNK // max(1, x[:1].nbytes))
    bad = [int((~np.isfinite(x[start : start + rows])).sum()) for start in range(0, len(x), rows)]
    if any(bad):
        start = rows * next(i for i, count in enumerate(bad) if count)
        first, *rest = (int(i) for i in np.argwhere(~np.isfinite(x[start : start + rows]))[0])
        place = [start + first, *rest]
        what = "NaN" if np.isnan(x[tuple(place)]) else "infinity"
        raise InputError(f"{source} has {what} at {place}, {sum(bad)} such values in all: remove or fill them")


def _spellings() -> dict[str, list[str]]:
    """How the name of an array may be written for each part."""
    ways: dict[str, list[str]] = {TRAIN: ["{}"]}
    for alias, part in PARTS.items():
        ways.setdefault(part, []).extend((f"{{}}_{alias}", f"{alias}_{{}}"))
    return ways


def _first(found: Mapping[str, np.ndarray], wanted: Iterable[str]) -> str | None:
    lower = {key.lower(): key for key in found}
    return next((lower[name.lower()] for name in wanted if name.lower() in lower), None)


def _labels(given: Mapping[str, Arrays], names: tuple[str, ...]) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Labels 0, 1, … for each part, and what they are called."""
    flat = {part: _flat(a.y, len(a.x), a.source) for part, a in given.items() if a.y is not None}
    if not flat:
        return {}, ()
    if strange := sorted(set(given) - set(flat)):
        raise InputError(f"the {strange[0]} part has no labels but the {next(iter(flat))} part has: add or remove them")
    values, codes = np.unique(np.concatenate(list(flat.values())), return_inverse=True)
    edges = np.cumsum([len(y) for y in flat.values()])[:-1]
    coded = {part: torch.from_numpy(y) for part, y in zip(flat, np.split(codes.astype(np.int64), edges))}
    named = values.dtype.kind in "iu" and len(names) > values.max() and values.min() >= 0
    return coded, tuple(names[v] if named else _text(v) for v in values)


def _flat(y: np.ndarray, n: int, source: str) -> np.ndarray:
    if y.shape not in ((n,), (n, 1)):
        raise InputError(f"{source} has {n} samples and labels of shape {y.shape}: give one label a sample")
    y = y.reshape(n)
    if y.dtype.kind == "f":
        if not np.array_equal(y, np.round(y)):
            raise InputError(f"{source} has labels that are no whole numbers: give classes")
        return y.astype(np.int64)
    return y


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
