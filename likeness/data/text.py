"""Text as data: a `.txt` file, a folder of them, or a `.zip` of them, as windows of token ids.

The text is cut into three parts that hang together: the first eight tenths to learn from, the next tenth to choose by
and the last to judge by; a folder with `train.txt` and `test.txt` (`valid.txt`) has its own parts. Other files are
joined in the order of their names. No window reaches over the end of a part. Windows to learn from begin every quarter
of a window, those to choose and judge by lie side by side, so that each token counts once; of a short text they
overlap too, so that there are some to judge by.

The alphabet is that of the whole text; word pieces and words are learned from the training part alone.
"""

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from likeness.data.dataset import Dataset, Options, assemble
from likeness.data.image_folder import PARTS
from likeness.data.memory import InMemory
from likeness.data.splits import NAMES, TEST, TRAIN, VALIDATION
from likeness.data.vocabulary import Vocabulary, characters, pieces, whole_words
from likeness.errors import InputError

SUFFIXES = (".txt", ".zip")
LENGTH, PIECES = 80, 500
ENOUGH = 100  # windows to judge by, as long as no two of them begin at one place
ENDS = {TRAIN: 0.8, VALIDATION: 0.9, TEST: 1.0}


def read_text(path: Path) -> dict[str, str]:
    """The parts of a text: all of it as `train` where there are none.

    Raises:
        InputError: a file is no text in UTF-8, or there is none.
    """
    if path.suffix == ".zip":
        try:
            with zipfile.ZipFile(path) as z:
                names = sorted(n for n in z.namelist() if n.endswith(".txt"))
                return _joined(path, {n: _text(z.read(n), f"{path}, {n}") for n in names})
        except zipfile.BadZipFile as error:
            raise InputError(f"cannot read {path} ({error}): save it again") from None
    files = sorted(path.glob("*.txt")) if path.is_dir() else [path]
    return _joined(path, {f.name: _text(f.read_bytes(), str(f)) for f in files})


def texts(name: str, given: Mapping[str, str], options: Options) -> Dataset:
    """The data set of these parts.

    Raises:
        InputError: a part is empty or shorter than a window, or an option does not suit text.
    """
    _check(name, options)
    parts = dict(given) if set(given) == set(NAMES) else divided(given)
    known = _known(parts, options)
    length = options.length or LENGTH
    made = {part: windows(parts[part], known, length, part, options) for part in NAMES}
    return assemble(name, "text", made, options, vocabulary=known)


def _known(parts: Mapping[str, str], options: Options) -> Vocabulary:
    if options.tokens == "words":
        return whole_words(parts[TRAIN])
    alphabet = characters("".join(parts.values()))
    return alphabet if options.tokens == "characters" else pieces(alphabet, parts[TRAIN], options.pieces or PIECES)


def divided(given: Mapping[str, str]) -> dict[str, str]:
    """Three parts: what there is, and of the training part what is lacking, cut off its end."""
    parts, text = dict(given), given[TRAIN]
    if TEST not in given and VALIDATION not in given:
        a, b = (int(ENDS[part] * len(text)) for part in (TRAIN, VALIDATION))
        return {TRAIN: text[:a], VALIDATION: text[a:b], TEST: text[b:]}
    lacking = VALIDATION if TEST in given else TEST
    cut = int(0.9 * len(text))
    return parts | {TRAIN: text[:cut], lacking: text[cut:]}


def windows(text: str, known: Vocabulary, length: int, part: str, options: Options) -> InMemory:
    """All windows of a part, in an order drawn from the seed."""
    ids = torch.from_numpy(known.encode(text))
    if len(ids) < length:
        raise InputError(f"the {part} part of the text has {len(ids)} tokens, a window {length}: give more text")
    apart = length // 4 if part == TRAIN else min(length, (len(ids) - length) // (ENOUGH - 1))
    x = ids.unfold(0, length, max(1, apart))
    order = np.random.default_rng((options.seed, NAMES.index(part))).permutation(len(x))
    return InMemory(x).take(order[: options.limit if part == TRAIN else None])


def _check(name: str, options: Options) -> None:
    if options.label is not None:
        raise InputError(f"label {options.label!r}: {name} is text, which has no columns; leave it out")
    if options.size is not None or options.channels is not None:
        raise InputError(f"{name} is text: size and channels are for images; leave them out")
    for option, value, least in (
        ("length", options.length, 2),
        ("limit", options.limit, 1),
        ("pieces", options.pieces, 2),
    ):
        if value is not None and value < least:
            raise InputError(f"{option} {value}: give {least} or more")


def _joined(path: Path, found: dict[str, str]) -> dict[str, str]:
    if not found:
        raise InputError(f"no text in {path}: it needs .txt files")
    if not any(t.strip() for t in found.values()):
        raise InputError(f"{path} is empty: give a text to learn from")
    parts = {PARTS[Path(n).stem]: t for n, t in found.items() if Path(n).stem in PARTS}
    return parts if TRAIN in parts else {TRAIN: "\n".join(found.values())}


def _text(raw: bytes, source: str) -> str:
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise InputError(f"{source} is no text in UTF-8 (byte {error.start}): save it as UTF-8") from None
