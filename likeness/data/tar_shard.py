"""A tar file of images in WebDataset's manner: the members of one sample stand together and share a key.

    0001.jpg  0001.cls  0002.jpg  0002.cls  …        or with a `label` in 0001.json

The key of a member is its name up to the first dot behind the last slash. Only headers and classes are read to count
the samples; images are read where they lie when they are decoded. Pickles are never opened.
"""

import json
import re
import tarfile
from collections.abc import Iterator, Mapping
from functools import lru_cache, partial
from io import BytesIO
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from likeness.data.encoded import Entry
from likeness.data.image_folder import SUFFIXES
from likeness.data.survey import Label, Survey
from likeness.errors import InputError

PICKLES = {"pyd", "pickle", "pkl", "pth", "pt"}
MEMBER = re.compile(r"((?:.*/)?[^/.]+)\.([^/]+)")


class Sample(NamedTuple):
    """Where an image lies in the file, and its class."""

    name: str
    offset: int
    size: int
    label: Label | None


class TarShard:
    """The samples of a tar file.

    Args:
        name: the file as messages name it.
        key: what the class is called in a sample's JSON.
    """

    def __init__(self, path: Path, name: str, part: str, key: str = "label") -> None:
        self.path, self.name, self.part, self.key = path, name, part, key
        self.length: int | None = None
        self.names: tuple[str, ...] = ()  # of classes: none are stated
        self.classes: Mapping[Label, int] = {}

    def survey(self) -> Survey:
        """How many samples there are and of which classes. Raises InputError where the file is damaged."""
        samples, pickles = self._samples()
        self.length = len(samples)
        unlabelled = next((s.name for s in samples if s.label is None), None)
        return Survey({s.label for s in samples if s.label is not None}, len(samples), unlabelled, pickles)

    def entries(self, skip: int = 0) -> Iterator[Entry]:
        """The samples from one on."""
        samples, _ = self._samples()
        for s in samples[skip:]:
            label = self.classes.get(s.label, 0) if s.label is not None else 0
            yield Entry(f"{self.name}:{s.name}", partial(_payload, self.path, s.offset, s.size), self.part, label)

    def _samples(self) -> tuple[tuple[Sample, ...], int]:
        about = self.path.stat()
        return _scanned(self.path, self.key, about.st_mtime_ns, about.st_size)


class _Member(NamedTuple):
    key: str
    kind: str  # what its name ends with, in small letters
    name: str
    offset: int
    size: int
    label: Label | None


@lru_cache(maxsize=8)
def _scanned(path: Path, key: str, changed: int, size: int) -> tuple[tuple[Sample, ...], int]:
    """The samples of a file, and how many pickles lie among them."""
    try:
        with tarfile.open(path, "r:") as file:
            members = [m for info in file if (m := _member(file, info, key)) is not None]
            end = file.offset
        with path.open("rb") as raw:
            raw.seek(end)
            if any(raw.read(tarfile.BLOCKSIZE)):
                raise tarfile.ReadError(f"no header at byte {end}")
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise InputError(f"{path} is damaged ({error}): fetch it again, or remove it") from error
    samples = (_sample(list(group)) for _, group in groupby(members, itemgetter(0)))
    return tuple(s for s in samples if s is not None), sum(m.kind in PICKLES for m in members)


def _member(file: tarfile.TarFile, info: tarfile.TarInfo, key: str) -> _Member | None:
    named = MEMBER.fullmatch(info.name)
    if not info.isreg() or named is None:
        return None
    kind, label = named[2].lower().rsplit(".", 1)[-1], None
    if kind in ("cls", "json"):
        content = file.extractfile(info)
        label = None if content is None else _label(content.read(), kind, key)
    return _Member(named[1], kind, info.name, info.offset_data, info.size, label)


def _label(content: bytes, kind: str, key: str) -> Label | None:
    """The class that a member states; None where it states none."""
    text = content.decode(errors="replace").strip()
    if kind == "cls":
        return int(text) if text.lstrip("-").isdecimal() else text or None
    told = json.loads(text)  # a ValueError where it is no JSON
    found = told.get(key) if isinstance(told, dict) else None
    return found if isinstance(found, int | str) else None


def _sample(members: list[_Member]) -> Sample | None:
    image = next((m for m in members if f".{m.kind}" in SUFFIXES), None)
    label = next((m.label for m in members if m.label is not None), None)
    return None if image is None else Sample(image.name, image.offset, image.size, label)


def _payload(path: Path, offset: int, size: int) -> BytesIO:
    with path.open("rb") as file:
        file.seek(offset)
        return BytesIO(file.read(size))
