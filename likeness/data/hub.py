"""Data sets of the Hugging Face hub, through its library `datasets` (the extra `hub`).

A set with an image column holds images, any other one is a table. Images are fetched once and read from the
library's memory-mapped files; with `stream` they are read over the network as they are needed (see `stream`).
Code that a set brings along is never run.
"""

from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

from likeness.data.dataset import Dataset, Options
from likeness.data.decode import Source
from likeness.data.encoded import Entry, pictures
from likeness.data.image_folder import PARTS
from likeness.data.order import Feed
from likeness.data.splits import TRAIN
from likeness.data.stream import stream
from likeness.data.table import tables
from likeness.errors import InputError, unknown


def hub(name: str, options: Options, known: Iterable[str]) -> Dataset:
    """The set `owner/set` or `owner/set:config`.

    Args:
        known: the names that are known here, for the message where the hub knows none either.

    Raises:
        InputError: `datasets` is not installed, the hub cannot be reached or has no such set, or a column is missing.
    """
    parts = _parts(name, options, known)
    features = parts[TRAIN].features
    image = next((column for column, f in features.items() if type(f).__name__ == "Image"), None)
    label = _label(features, options)
    names = tuple(getattr(features.get(label), "names", ()))
    if image is None:
        return _table(name, parts, options._replace(label=label), names)
    feeds = {part: Images(f"{name}, {part}", found, image, label, part) for part, found in parts.items()}
    if options.stream:
        if label is not None and not names:
            raise InputError(f"column {label!r} of {name} does not say its classes: a stream needs them; leave it out")
        return stream(name, {part: images.feed() for part, images in feeds.items()}, names, options)
    return _fetched(name, feeds, names, options)


def _parts(name: str, options: Options, known: Iterable[str]) -> dict[str, Any]:
    """The parts of the set that are known by name; the first one where none is called train."""
    try:
        import datasets
    except ImportError:
        if "/" not in name:
            raise unknown("data set", name, known) from None
        remedy = "check the path, or install the hub's library: pip install 'likeness[hub]'"
        raise InputError(f"no file or folder {name}, here or in LIKENESS_DATA: {remedy}") from None
    path, _, config = name.partition(":")
    try:
        found = datasets.load_dataset(path, config or None, streaming=options.stream)
    except FileNotFoundError:
        raise unknown("data set", name, known) from None
    except Exception as error:  # of the network, of the hub or of the set: none is ours
        raise InputError(
            f"the hub did not give {name} ({_first_line(error)}): check the name and the network"
        ) from error
    parts = {PARTS[split]: part for split, part in found.items() if split in PARTS}
    return parts if TRAIN in parts else {TRAIN: next(iter(found.values()))}


def _label(features: Mapping[str, Any], options: Options) -> str | None:
    """The column that was asked for, else the first one of classes."""
    if options.label is not None and options.label not in features:
        raise unknown("column", options.label, features)
    classes = (column for column, feature in features.items() if type(feature).__name__ == "ClassLabel")
    return options.label or next(classes, None)


def _table(name: str, parts: Mapping[str, Any], options: Options, names: tuple[str, ...]) -> Dataset:
    if options.stream:
        raise InputError(f"{name} is a table: only images are streamed; leave --stream out")
    return tables(name, {part: found.with_format("arrow")[:] for part, found in parts.items()}, options, names)


class Images:
    """One part of a set of images, or a shard of it, as entries; it can be read again and again."""

    length = None  # of a shard nobody knows

    def __init__(self, name: str, found: Any, image: str, label: str | None, part: str) -> None:
        from datasets import Image

        columns = [image] if label is None else [image, label]
        self.found = found.select_columns(columns).cast_column(image, Image(decode=False))
        self.name, self.image, self.label, self.part = name, image, label, part

    def feed(self) -> Feed:
        """The shards of a stream."""
        split = (getattr(self.found.info, "splits", None) or {}).get(str(self.found.split))
        return Feed(tuple(self._shards()), getattr(split, "num_examples", None))

    def _shards(self) -> Iterator["Images"]:
        n = self.found.num_shards if hasattr(self.found, "shard") else 1
        for i in range(n):
            shard = copy(self)
            if n > 1:
                shard.found, shard.name = self.found.shard(num_shards=n, index=i), f"{self.name}, shard {i}"
            yield shard

    def entries(self, skip: int = 0) -> Iterator[Entry]:
        """The entries of a stream from one on, in their order."""
        for i, row in enumerate(self.found.skip(skip) if skip else self.found, skip):
            label = 0 if self.label is None else row[self.label]
            yield Entry(f"{self.name}[{i}]", partial(_source, row[self.image]), self.part, label)

    def fetched(self) -> list[Entry]:
        """The entries of a set that lies in memory-mapped files, opened when they are needed."""
        labels = [0] * len(self.found) if self.label is None else list(self.found[self.label])
        return [Entry(f"{self.name}[{i}]", partial(self._open, i), self.part, v) for i, v in enumerate(labels)]

    def _open(self, i: int) -> Source:
        return _source(self.found[i][self.image])


def _fetched(name: str, feeds: Mapping[str, Images], names: tuple[str, ...], options: Options) -> Dataset:
    entries = [entry for feed in feeds.values() for entry in feed.fetched()]
    values = sorted({entry.label for entry in entries})
    if names and values[0] < 0:
        raise InputError(f"{name} has samples without a class: choose another column with --label")
    if not names and feeds[TRAIN].label is not None:
        place = {value: i for i, value in enumerate(values)}
        entries = [entry._replace(label=place[entry.label]) for entry in entries]
        names = tuple(map(str, values))
    return pictures(name, entries, names, options)


def _source(cell: Mapping[str, Any]) -> Source:
    return BytesIO(cell["bytes"]) if cell["bytes"] else Path(cell["path"])


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
