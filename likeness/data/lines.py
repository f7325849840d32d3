"""Images of text lines or words with their transcriptions: dark ink on white paper, of one height and unlike widths.

A folder is read as lines where it (or each of its parts: `train`, `validation`, `test`) holds one of

- `labels.tsv`: a line `file<TAB>text` for each image, the file relative to it; a first line of these two words is a
  header. A list of files alone, without tabs, is a set without transcriptions.
- `lines.npz` with `pixels` (height, columns), lines side by side, and `lines.jsonl`, a JSON object for each: `x0`, `x1`
  (its columns), `text`, and where they are known `split`, and `words`: [left, right, text] relative to x0, or null.

Of the latter `label="words"` makes a sample of each word instead of each line.

Every image becomes grey, `size` pixels high (32 if not given) with its width in proportion, and is filled up with paper
on the right to the width of the widest. y holds the characters of a text as ids (n, length), and behind its end
`PAD`. The vocabulary is the characters of the training texts; of another text, a character that is not in it is
`UNKNOWN`, which no reader can say.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from PIL import Image
from torch import Tensor

from likeness.data import decode
from likeness.data.arrays import open_arrays
from likeness.data.dataset import Dataset, Options, assemble
from likeness.data.image_folder import PARTS, images_in
from likeness.data.memory import InMemory
from likeness.data.splits import NAMES, TRAIN, divide
from likeness.data.vocabulary import Vocabulary, characters
from likeness.errors import InputError, unknown
from likeness.findings import Finding

LABELS, PIXELS, TEXTS = "labels.tsv", "lines.npz", "lines.jsonl"
HEADER = ("file", "text")
HEIGHT, PAPER = 32, 255
PAD, UNKNOWN = -1, -2  # ids that stand for no character


class Line(NamedTuple):
    """A grey image (height, width) uint8, its text where it is known, its part and what it is called."""

    image: np.ndarray
    text: str | None
    part: str = TRAIN
    name: str = ""


def is_lines(path: Path) -> bool:
    """Whether a folder holds lines in one of the two forms."""
    return any((place / LABELS).is_file() or (place / TEXTS).is_file() for place in (path, path / "train"))


def lines(path: Path, options: Options) -> Dataset:
    """The lines or words of a folder as a data set.

    Raises:
        InputError: a file is missing, broken or not as the module says, or an option does not suit lines.
    """
    height = _height(path, options)
    found, notes = (_stored(path, options.label), ()) if (path / TEXTS).is_file() else _listed(path, options)
    return made(path.name, scaled(found, height), options, notes)


def every(path: Path, options: Options) -> list[Line]:
    """All lines at a path in their order, of one height: of a folder of lines, of images alone, or of one image.

    Raises:
        InputError: there is none, or what `lines` raises.
    """
    height = _height(path, options)
    if path.is_dir() and (path / TEXTS).is_file():
        return scaled(_stored(path, options.label), height)
    if path.is_dir() and is_lines(path):
        return scaled(_listed(path, options)[0], height)
    files = images_in(path) if path.is_dir() else [path]
    found = {file: _image(file, path) for file in files}
    if not found:
        raise InputError(f"no images in {path}: give some text lines to read")
    broken = [f"{file.name} ({why})" for file, why in found.items() if isinstance(why, str)]
    _told(path, broken, 0, options.skip_broken)
    root = path if path.is_dir() else path.parent
    good = [(str(file.relative_to(root)), x) for file, x in found.items() if not isinstance(x, str)]
    return scaled([Line(x, None, name=name) for name, x in good], height)


def made(name: str, found: Sequence[Line], options: Options, notes: tuple[Finding, ...] = ()) -> Dataset:
    """The data set of lines of one height.

    Raises:
        InputError: some of them have a text and others none, or no part is left to learn from.
    """
    if not found:
        raise InputError(f"{name} holds no line: list its images in {LABELS}")
    without = sum(line.text is None for line in found)
    if 0 < without < len(found):
        raise InputError(f"{without} of {len(found)} lines of {name} have no text: give all of them one, or none")
    x = padded([line.image for line in found])
    alphabet = None if without else characters("".join(line.text or "" for line in found))
    y = None if alphabet is None else encoded([line.text or "" for line in found], alphabet)
    of = np.array([line.part for line in found])
    given = {part: InMemory(x, y).take(np.flatnonzero(of == part)) for part in NAMES if (of == part).any()}
    if TRAIN not in given:
        raise InputError(f"{name} has no training part: call one of its parts train")
    parts, copies = divide(given, seed=options.seed, limit=options.limit)
    notes = (*notes, *_inverted(x), *copies)
    if alphabet is None:
        return assemble(name, "lines", parts, options, notes=notes)
    known, parts, strange = _of_training(parts, alphabet)
    return assemble(name, "lines", parts, options, vocabulary=known, notes=(*notes, *strange))


def padded(images: Sequence[np.ndarray], width: int = 0) -> Tensor:
    """Grey images of one height as uint8 (n, 1, height, widest), paper on the right; `width` is the least."""
    widest = max(width, *(image.shape[1] for image in images))
    x = np.full((len(images), 1, images[0].shape[0], widest), PAPER, np.uint8)
    for row, image in zip(x, images, strict=True):
        row[0, :, : image.shape[1]] = image
    return torch.from_numpy(x)


def written(x: Float[Tensor, "n 1 h w"], tolerance: float = 0.1) -> Int[Tensor, " n"]:
    """The width up to the last column with ink, in pixels; 0 of blank paper. `tolerance` is of values in [-1, 1]."""
    ink = (x < 1 - tolerance).flatten(1, 2).any(1)
    return (ink * torch.arange(1, x.shape[3] + 1, device=x.device)).amax(1)


def extents(x: Float[Tensor, "n 1 h w"], margin: int = 4) -> Int[Tensor, " n"]:
    """The width that is taken for a line's own: up to its last ink, and a margin of paper where there is some."""
    return (written(x) + margin).clamp(max=x.shape[3])


def encoded(texts: Sequence[str], known: Vocabulary) -> Int[Tensor, "n length"]:
    """Ids of the characters, `PAD` behind the end, `UNKNOWN` for what the vocabulary lacks."""
    place = {c: i for i, c in enumerate(known.characters)}
    y = torch.full((len(texts), max(1, *map(len, texts))), PAD)
    for row, text in zip(y, texts, strict=True):
        row[: len(text)] = torch.tensor([place.get(c, UNKNOWN) for c in text], dtype=torch.long)
    return y


def decoded(y: Int[Tensor, "n length"], known: Vocabulary) -> list[str]:
    """The texts of ids, a replacement character for an unknown one."""
    signs = {PAD: "", UNKNOWN: "\N{REPLACEMENT CHARACTER}", **dict(enumerate(known.characters))}
    return ["".join(signs[i] for i in row) for row in y.tolist()]


def _of_training(
    parts: dict[str, InMemory], alphabet: Vocabulary
) -> tuple[Vocabulary, dict[str, InMemory], tuple[Finding, ...]]:
    """The characters of the training texts, and the parts in ids of them."""
    learned = parts[TRAIN].labels
    assert learned is not None
    ids = learned[learned >= 0].unique()
    known = Vocabulary(tuple(alphabet.characters[i] for i in ids.tolist()))
    if not len(known):
        raise InputError("every training text is empty: give transcriptions")
    to = torch.full((len(alphabet) + 1,), UNKNOWN)
    to[ids], to[-1] = torch.arange(len(ids)), PAD  # a padded place has the id -1, which is the last
    changed = {}
    for name, part in parts.items():
        assert part.y is not None
        changed[name] = InMemory(part.x, to[part.y], part.rows)
        changed[name].known = part.known
    lacking = sorted(set(alphabet.characters) - set(known.characters))
    if not lacking:
        return known, changed, ()
    one = len(lacking) == 1
    which = f"The character {lacking[0]!r} is" if one else f"{len(lacking)} characters, such as {lacking[0]!r}, are"
    saw = f"{which} in held-out texts and in no training text."
    return known, changed, (Finding("unknown-characters", saw, "They count as misread; add training texts with them."),)


def _height(path: Path, options: Options) -> int:
    if options.channels == 3:
        raise InputError(f"channels 3: the lines of {path} are read as grey; leave it out")
    if options.size is not None and options.size < 8:
        raise InputError(f"size {options.size}: it is the height of text lines; use 8 pixels or more")
    return options.size or HEIGHT


def _stored(path: Path, label: str | None) -> list[Line]:
    """The lines, or their words, that lie side by side in one array."""
    if label not in (None, "text", "words"):
        raise unknown("label of text lines", label, ("text", "words"))
    if not (path / PIXELS).is_file():
        raise InputError(f"{path / TEXTS} has no {PIXELS} beside it: add the file with the pixels")
    pixels = open_arrays(path / PIXELS).get("pixels")
    if pixels is None or pixels.ndim != 2 or pixels.dtype != np.uint8:
        raise InputError(f"{path / PIXELS}: it needs an array pixels (height, columns) of uint8")
    found: list[Line] = []
    for i, raw in enumerate(_rows(path / TEXTS), 1):
        try:
            row = json.loads(raw)
            image, part = pixels[:, row["x0"] : row["x1"]], PARTS[row.get("split") or "train"]
            each = row.get("words") or () if label == "words" else [(0, image.shape[1], row["text"])]
            found += [Line(image[:, a:b], text, part, f"line {i}, {a}-{b}") for a, b, text in each]
        except (ValueError, LookupError, TypeError) as error:
            raise InputError(f"{path / TEXTS}, line {i} ({type(error).__name__}: {error}): repair it") from None
    if any(not line.image.shape[1] for line in found):
        raise InputError(f"{path / TEXTS} has a line without columns (x0 to x1): repair it")
    return found


def _listed(path: Path, options: Options) -> tuple[list[Line], tuple[Finding, ...]]:
    """The images that lists name, and what there is to say of them."""
    if options.label is not None:
        raise InputError(f"label {options.label!r}: the texts of lines are the second column of {LABELS}; leave it out")
    inside = sorted(p for p in path.iterdir() if p.name in PARTS and (p / LABELS).is_file())
    places = {path: TRAIN} if (path / LABELS).is_file() else {p: PARTS[p.name] for p in inside}
    found, broken, rest = [], [], 0
    for place, part in places.items():
        listed = _entries(place / LABELS)
        rest += len(set(images_in(place)) - {place / name for name, _ in listed})
        for name, text in listed:
            image = _image(place / name, place / LABELS)
            if isinstance(image, str):
                broken.append(f"{name} ({image})")
            else:
                found.append(Line(image, text, part, str((place / name).relative_to(path))))
    return found, _told(path, broken, rest, options.skip_broken)


def _told(path: Path, broken: list[str], rest: int, skip: bool) -> tuple[Finding, ...]:
    if broken and not skip:
        raise InputError(
            f"broken image {broken[0]}, {len(broken)} in {path}: repair them, or skip them (--skip-broken)"
        )
    notes = []
    if broken:
        saw = f"{len(broken)} images are broken and were skipped: {', '.join(broken[:3])}."
        notes.append(Finding("broken-files", saw, "Repair or remove them."))
    if rest:
        saw = f"{rest} images of {path} are not in {LABELS} and were left out."
        notes.append(Finding("unlisted-images", saw, "Add them to it; without any text they are a set of their own."))
    return tuple(notes)


def _entries(path: Path) -> list[tuple[str, str | None]]:
    """The files of a list with their texts; none of them where it has no tab."""
    rows = [row.split("\t", 1) for row in _rows(path) if row.strip()]
    if rows and (tuple(rows[0]) == HEADER or rows[0] == ["file"]):
        rows = rows[1:]
    if not rows:
        raise InputError(f"{path} is empty: write a line file<TAB>text for each image")
    plain = all(len(row) == 1 for row in rows)
    if lacking := next((row[0] for row in rows if len(row) == 1 and not plain), None):
        raise InputError(f"{path}: the line of {lacking} has no tab: write file<TAB>text, also where the text is empty")
    return [(row[0], None if plain else row[1]) for row in rows]


def _rows(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no text in UTF-8 (byte {error.start}): save it as UTF-8") from None


def _image(path: Path, listed: Path) -> np.ndarray | str:
    """The grey pixels, or why they cannot be read."""
    if not path.is_file():
        raise InputError(f"{listed} names {path.name}, which is not there: add the file or remove the line")
    try:
        return decode.pixels(path, decode.Form(1, None))[0]
    except decode.FAILURES as error:
        return (str(error) or type(error).__name__).splitlines()[0]


def scaled(found: Sequence[Line], height: int) -> list[Line]:
    """That height, and the widths in proportion."""
    return [line._replace(image=_scaled(line.image, height)) for line in found]


def _scaled(image: np.ndarray, height: int) -> np.ndarray:
    h, w = image.shape
    if h == height:
        return image
    return np.asarray(Image.fromarray(image).resize((max(1, round(w * height / h)), height), Image.Resampling.BICUBIC))


def _inverted(x: Tensor) -> tuple[Finding, ...]:
    """Light ink on dark paper is told: paper that is filled in on the right is white."""
    dark = float((x[:256].float().mean((1, 2, 3)) < PAPER / 2).float().mean())
    if dark < 0.5:
        return ()
    saw = f"{dark:.0%} of the lines are dark for the most part, and what fills them up is white paper."
    return (Finding("dark-paper", saw, "Invert the images: lines are dark ink on white paper."),)
