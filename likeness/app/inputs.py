"""What verbs are given: runs, files of samples, data sets by name; real data and samples in one form."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import torch
import tyro
from torch import Tensor

from likeness.data import Columns, Dataset, batching, load
from likeness.data.batch import Batch
from likeness.data.columns import fit
from likeness.data.export import TABLES, read
from likeness.data.image_folder import images_in
from likeness.data.table import read_table
from likeness.data.text import read_text
from likeness.data.vocabulary import Vocabulary
from likeness.errors import InputError
from likeness.recipes.pipeline import Session

Codes = Callable[[Tensor], Tensor]


@dataclass(frozen=True, kw_only=True)
class OnData:
    """The options of verbs that take a run and data to do something with."""

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of the run."""
    data: str
    """The data: a file of samples or a folder of images, row by row; or a data set's name."""
    part: Literal["train", "validation", "test"] = "test"
    """Which split of a data set that is named."""
    checkpoint: Literal["best", "last"] | None = None
    """Which weights; the best by the judged score if not given."""
    device: str = "auto"
    """cpu, cuda, cuda:1 …; auto takes a GPU where there is one."""
    threads: int | None = None
    """Processor threads."""


class Material(NamedTuple):
    """Samples and real data of one shape, with the columns where they are rows of tables."""

    samples: Tensor
    real: Batch
    train: Batch | None
    columns: Columns | None


def material(samples: Path, real: str, train: str | None, part: str) -> Material:
    """Samples on file beside real data from files or data sets.

    Args:
        real, train: files of samples, folders of images, or the names of data sets; of a named data set, `real` is
            the split `part`, and `train` the training split.

    Raises:
        InputError: something is missing, cannot be read, or is not of the samples' shape.
    """
    if samples.suffix in TABLES and all(Path(p).suffix in TABLES for p in (real, train) if p):
        return _tables(samples, real, train)
    if samples.suffix in TABLES and not Path(real).exists() and (data := load(real)).columns is not None:
        return _rows_of(data, samples, train, part)
    x, y = read(samples), real_batch(real, part)
    z = None if train is None else real_batch(train, "train")
    for name, other in ((real, y), (train, z)):
        if other is not None and other.x.shape[1:] != x.shape[1:]:
            shapes = tuple(x.shape[1:]), tuple(other.x.shape[1:])
            raise InputError(
                f"samples of {samples} have shape {shapes[0]}, those of {name} {shapes[1]}: make them alike"
            )
    return Material(x, y, z, None)


def real_batch(name: str, part: str) -> Batch:
    """A file or folder of samples whole, or the split `part` of a data set by name."""
    if Path(name).exists():
        return Batch(read(name))
    return batching.whole(getattr(load(name), part))


def _rows_of(data: Dataset, samples: Path, train: str | None, part: str) -> Material:
    """Rows of a table beside a data set of the same columns.

    Raises:
        InputError: the training data are another data set; a column is missing.
    """
    if train not in (None, data.name):
        raise InputError(f"--train {train} beside the data set {data.name}: give its name, or files for both")
    assert data.columns is not None
    x, known = data.columns.encode(read_table(samples)), None if train is None else batching.whole(data.train)
    return Material(x, batching.whole(getattr(data, part)), known, data.columns)


def _tables(samples: Path, real: str, train: str | None) -> Material:
    """Rows of tables as vectors, by columns learned from the training rows, or from the real ones without them."""
    known = read_table(Path(train or real))
    columns = fit(known)
    tables = {"samples": read_table(samples), "real": read_table(Path(real))}
    for name, table in tables.items():
        if lacking := sorted(set(known.column_names) - set(table.column_names)):
            raise InputError(f"the table of {name} has no column {lacking[0]!r}, which {train or real} has: add it")
    return Material(
        columns.encode(tables["samples"]),
        Batch(columns.encode(tables["real"])),
        None if train is None else Batch(columns.encode(known)),
        columns,
    )


def for_run(session: Session, name: str, part: str) -> Tensor:
    """New data for a run, in the form that it learned: a file or folder whole and in its order, or the split `part`.

    Of a file of text each line is a sample, for a run that learned words.

    Raises:
        InputError: the data cannot be read, or have another shape than what the run learned from.
    """
    path, s, event = Path(name), session.settings, session.facts.event
    if path.is_file() and path.suffix in TABLES and session.columns is not None:
        return session.columns.encode(read_table(path))
    if path.is_file() and path.suffix == ".txt" and session.vocabulary is not None and session.vocabulary.words:
        return _lines(path, session.vocabulary, event[0])
    if path.is_file() or (path.is_dir() and images_in(path)):
        x = read(path, size=s.size, channels=s.channels)
    else:
        x = batching.whole(getattr(load(name, size=s.size, channels=s.channels, seed=s.seed), part)).x
    if x.shape[1:] != event:
        raise InputError(f"samples of {name} have shape {tuple(x.shape[1:])}, the run learned {event}: make them alike")
    return x


def _lines(path: Path, known: Vocabulary, length: int) -> Tensor:
    """Ids of the words of each line, (n, length), filled up with 0 as words are that are not known."""
    lines = [line for line in read_text(path)["train"].splitlines() if line.strip()]
    x = torch.zeros(len(lines), length)
    for i, line in enumerate(lines):
        ids = known.encode(line)
        if len(ids) > length:
            raise InputError(f"text {i + 1} of {path} has {len(ids)} words and the run takes {length}: cut it in lines")
        x[i, : len(ids)] = torch.from_numpy(ids)
    return x


def coded(session: Session) -> Codes:
    """What encodes samples and reconstructs them, a part of them at a time, without gradients.

    Raises:
        InputError: the run has no codes.
    """
    model, device = session.model, session.settings.device
    if model.encode is None or model.reconstruct is None:
        raise InputError(
            f"{session.run.folder} is a run of {session.run.recipe} that has no codes: use one of autoencoder or vae"
            " (without --conditional)"
        )
    return partial(in_parts, model.reconstruct, device=device)


def restoring(session: Session) -> Codes:
    """What gives samples back, from codes or, of a model that has none, from under the noise; in parts as `coded`.

    Raises:
        InputError: the run can do neither.
    """
    if session.model.reconstruct is None:
        return coded(session)
    return partial(in_parts, session.model.reconstruct, device=session.settings.device)


@torch.no_grad()
def in_parts(function: Codes, x: Tensor, *, device: str, size: int = 256) -> Tensor:
    """The function's values of these samples, on the CPU."""
    return torch.cat([function(part.to(device)).cpu() for part in x.split(size)])
