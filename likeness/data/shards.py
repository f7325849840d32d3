"""A folder of shards: WebDataset's tar files or Parquet files of encoded images, read as a stream.

The parts are files that begin with the name of one (`train-000.tar`, `val-000.tar`), or subfolders of such names
(`train`; `validation`, `valid`, `val` or `dev`; `test`); without them everything is for training, and some of it is
held out (see `stream`).
"""

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from os import cpu_count
from pathlib import Path

from likeness.data.dataset import Dataset, Options
from likeness.data.image_folder import PARTS
from likeness.data.order import Feed
from likeness.data.parquet_shard import ParquetShard, holds_images
from likeness.data.splits import TRAIN
from likeness.data.stream import stream
from likeness.data.survey import Label, classes_of, pickles_in
from likeness.data.tar_shard import TarShard
from likeness.errors import InputError

SUFFIXES = (".tar", ".parquet")
PART = re.compile(rf"({'|'.join(PARTS)})(?:[-_.].*)?")


def is_sharded(path: Path) -> bool:
    """Whether this is a folder of shards, or one shard alone."""
    files = _files(path)
    if any(f.suffix == ".tar" for f in files):
        return True
    return bool(files) and holds_images(files[0])


def shards(path: Path, options: Options) -> Dataset:
    """The images of all shards as a data set.

    Raises:
        InputError: a shard is damaged, only some files name their part, some samples alone have a class, or `stream`
            refuses.
    """
    root = path if path.is_dir() else path.parent
    made = {part: [_shard(f, root, part, options) for f in files] for part, files in _parts(path).items()}
    every = [shard for found in made.values() for shard in found]
    surveys = []
    with ThreadPoolExecutor(cpu_count()) as pool:
        for survey in pool.map(lambda shard: shard.survey(), every):
            surveys.append(survey)
            if options.progress is not None:
                options.progress(len(surveys), len(every))
    classes, names = _named(every, classes_of(surveys))
    for shard in every:
        shard.classes = {label: i for i, label in enumerate(classes)}
    if not any(shard.length for shard in made[TRAIN]):
        raise InputError(f"the training shards of {path} hold no image: supply some")
    feeds = {part: _feed(found) for part, found in made.items()}
    return stream(path.name, feeds, names, options._replace(stream=True), pickles_in(surveys))


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path] if path.suffix in SUFFIXES else []
    folders = [path, *(p for p in path.iterdir() if p.is_dir() and p.name.lower() in PARTS)]
    return sorted(f for folder in folders for f in folder.iterdir() if f.suffix in SUFFIXES and f.name[0] != ".")


def _parts(path: Path) -> dict[str, list[Path]]:
    """The files of each part, in the order of their names."""
    found: dict[str, list[Path]] = {}
    nameless: list[Path] = []
    for file in _files(path):
        named = PART.fullmatch(file.stem.lower())
        folder = file.parent.name.lower()
        if file.parent != path and path.is_dir():
            found.setdefault(PARTS[folder], []).append(file)
        elif named is not None and path.is_dir():
            found.setdefault(PARTS[named[1]], []).append(file)
        else:
            nameless.append(file)
    if not found:
        return {TRAIN: nameless}
    if nameless:
        raise InputError(f"{nameless[0]} lies beside shards of parts: begin its name with one of {', '.join(PARTS)}")
    if TRAIN not in found:
        raise InputError(f"{path} has no training shards ({', '.join(found)} alone): begin their names with train")
    return found


def _feed(found: Sequence[TarShard | ParquetShard]) -> Feed:
    return Feed(tuple(s for s in found if s.length), sum(s.length or 0 for s in found))


def _shard(path: Path, root: Path, part: str, options: Options) -> TarShard | ParquetShard:
    name = str(path.relative_to(root))
    if path.suffix == ".tar":
        return TarShard(path, name, part, options.label or "label")
    return ParquetShard(path, name, part, options.label)


def _named(
    shards: Sequence[TarShard | ParquetShard], found: tuple[Label, ...]
) -> tuple[tuple[Label, ...], tuple[str, ...]]:
    """The classes as they stand in the files, and their names; a file may name classes that do not occur."""
    names = shards[0].names
    if not names or not found:
        return found, tuple(map(str, found))
    strange = [label for label in found if not (isinstance(label, int) and label < len(names))]
    if strange:
        raise InputError(f"{shards[0].name} names {len(names)} classes, there is one {strange[0]!r}: mend its metadata")
    return tuple(range(len(names))), names
