"""A data set as a value: three splits that share no sample, and what is known about them."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol, runtime_checkable

from torch import Tensor

from likeness.data.batch import Split
from likeness.data.columns import Columns
from likeness.data.memory import Digests
from likeness.data.splits import NAMES, TEST, TRAIN, VALIDATION
from likeness.data.truth import Truth
from likeness.data.vocabulary import Vocabulary
from likeness.findings import Finding

Kind = Literal["vectors", "images", "table", "text", "lines"]


@dataclass(frozen=True)
class Dataset:
    """Samples of one kind, in three parts of which no two hold the same sample.

    Attributes:
        event: the shape of one sample: (d,) for vectors and tables, (channels, height, width) for images,
            (length,) for windows of text.
        classes: the names of the labels 0, 1, …; empty where there are none.
        truth: the distribution itself, where it is known.
        columns: how the rows of a table became vectors, with `decode` for the way back.
        vocabulary: how text became token ids, and the way back.
        fingerprint: SHA-256 of the samples and of the options they were read with.
        notes: what a person should know about how the data were read.
    """

    name: str
    kind: Kind
    train: Split
    validation: Split
    test: Split
    event: tuple[int, ...]
    classes: tuple[str, ...] = ()
    truth: Truth | None = None
    columns: Columns | None = None
    fingerprint: str = ""
    notes: tuple[Finding, ...] = ()
    vocabulary: Vocabulary | None = None


class Options(NamedTuple):
    """How to read a data set; `load` says what each means."""

    size: int | None = None
    channels: int | None = None
    seed: int = 0
    label: str | None = None
    skip_broken: bool = False
    stream: bool = False
    limit: int | None = None
    drop: tuple[str, ...] = ()
    progress: Callable[[int, int], object] | None = None
    tokens: Literal["characters", "pieces", "words"] = "characters"
    length: int | None = None
    pieces: int | None = None


@runtime_checkable
class Readable(Split, Protocol):
    """A split that also knows the shape of a sample, its labels and a hash of the content of each."""

    @property
    def event(self) -> tuple[int, ...]: ...

    @property
    def labels(self) -> Tensor | None: ...

    @property
    def digests(self) -> Digests: ...


def assemble(
    name: str,
    kind: Kind,
    parts: Mapping[str, Readable],
    options: Options,
    *,
    classes: tuple[str, ...] = (),
    truth: Truth | None = None,
    columns: Columns | None = None,
    notes: tuple[Finding, ...] = (),
    vocabulary: Vocabulary | None = None,
) -> Dataset:
    """The data set of three parts that are known to share nothing."""
    described = {"kind": kind, "classes": classes, "columns": columns and columns.state(), **options._asdict()}
    for reading in ("stream", "skip_broken", "progress"):  # they change no sample
        described.pop(reading)
    if vocabulary is None:
        for own in ("tokens", "length", "pieces"):
            described.pop(own)
    else:
        described["vocabulary"] = vocabulary.state()
    seal = hashlib.sha256(json.dumps(described, sort_keys=True).encode())
    for part in (parts[split] for split in NAMES):
        seal.update(part.digests.tobytes())
        if part.labels is not None:
            seal.update(part.labels.numpy().tobytes())
    three = parts[TRAIN], parts[VALIDATION], parts[TEST]
    return Dataset(name, kind, *three, three[0].event, classes, truth, columns, seal.hexdigest(), notes, vocabulary)
