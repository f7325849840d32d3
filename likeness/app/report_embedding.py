"""`likeness report-embedding FEATURES.npy`: what is wrong with an embedding, whoever made it, on one page."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import tyro
from torch import Tensor

from likeness.app.console import progress, say, table, threads, warn
from likeness.data.arrays import open_arrays
from likeness.data.export import read
from likeness.doctor import embedding, embedding_page
from likeness.doctor.part import Part
from likeness.errors import InputError
from likeness.files import write_json
from likeness.run.report import finite

KEY = ("uniformity", "ideal uniformity", "mean cosine", "effective rank", "alignment (pairs)")


@dataclass(frozen=True)
class Options:
    """Say what is wrong with feature vectors."""

    features: Annotated[Path, tyro.conf.Positional]
    """The features, a row for each sample: .npy, or .npz, .csv or .parquet of finite numbers."""
    labels: Path | None = None
    """A class for each row, numbers or words (.npy)."""
    pairs: Path | None = None
    """Features of another view of each sample, in the same order and space, to measure alignment."""
    images: Path | None = None
    """The samples as pictures, in the same order: an array or a folder."""
    out: Path = Path("report.html")
    """The page."""
    normalise: bool = True
    """Bring rows to length one; --no-normalise looks at them as they are, by Euclidean distance."""
    map: bool = True
    """Draw maps; t-SNE takes most of the time."""
    seed: int = 0
    """Decides which rows are looked at where there are many, and what is shown."""
    json: Path | None = None
    """Write everything that was found to this file."""
    threads: int | None = None
    """Processor threads."""


def run(options: Options) -> None:
    threads(options.threads)
    z = features(options.features)
    y, names = (None, ()) if options.labels is None else labels(options.labels)
    made, first = embedding.prepared(
        z,
        y=y,
        names=names,
        partner=None if options.pairs is None else features(options.pairs),
        images=None if options.images is None else _images(options.images),
        on_sphere=options.normalise,
        seed=options.seed,
    )
    parts = [first]
    with progress("looking") as bar:
        for done, (name, look) in enumerate(embedding.examined(made, seed=options.seed, maps=options.map)):
            bar.update(done, name)
            parts.append(look())
    _tell(parts)
    out = embedding_page.write(parts, options.out, f"Features: {options.features.name}")
    if options.json is not None:
        write_json(options.json, finite({part.anchor: part.as_dict() for part in parts}))
        say(f"wrote {options.json}")
    say(f"page: {out}")


def features(path: Path) -> Tensor:
    """Rows (n, d) as float32; of arrays, rows that are not finite are kept to be told.

    Raises:
        InputError: the file cannot be read, or holds no rows of numbers.
    """
    if path.suffix != ".npy":
        x = read(path)
    elif not path.exists():
        raise InputError(f"{path} does not exist: check the path")
    else:
        found = open_arrays(path)["x"]
        if found.dtype.kind not in "biuf":
            raise InputError(f"{path} holds {found.dtype}, not numbers: save the features as floats")
        x = torch.from_numpy(np.asarray(found, dtype=np.float32))
    if x.ndim != 2 or not x.numel():
        raise InputError(f"{path} has shape {tuple(x.shape)}: features are rows (n, d), one for each sample")
    return x


def labels(path: Path) -> tuple[Tensor, tuple[str, ...]]:
    """Classes 0 … K − 1 and what they are called, from numbers or words.

    Raises:
        InputError: the file is no array of one label a row.
    """
    if path.suffix != ".npy" or not path.exists():
        raise InputError(f"{path}: give labels as a .npy file that exists")
    found = open_arrays(path)["x"]
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    whole = found.dtype.kind in "biuSU" or (found.dtype.kind == "f" and np.array_equal(found, np.round(found)))
    if found.ndim != 1 or not len(found) or not whole:
        raise InputError(f"{path} holds {found.dtype} of shape {found.shape}: labels are one class for each row")
    values, codes = np.unique(found.astype(np.int64) if found.dtype.kind in "bf" else found, return_inverse=True)
    named = tuple(v.decode() if isinstance(v, bytes) else str(v) for v in values)
    return torch.from_numpy(codes.astype(np.int64)), named


def _images(path: Path) -> Tensor:
    x = read(path)
    if x.ndim == 3:
        x = x[:, None]
    if x.ndim != 4 or x.shape[1] not in (1, 3):
        raise InputError(f"{path} has shape {tuple(x.shape)}: images are (n, c, h, w) or (n, h, w), grey or in colour")
    return x


def _tell(parts: Sequence[Part]) -> None:
    known = {name: value for part in parts for name, value in part.numbers.items()}
    table(("measure", "value"), [(name, _short(known[name])) for name in KEY if name in known])
    told = [finding for part in parts for finding in part.findings]
    warn(told)
    if not told:
        say("nothing was found wrong")


def _short(value: object) -> str:
    return f"{value[0] if isinstance(value, tuple) else value:.4g}"
