"""`likeness read RUN --data DATA`: the texts of images of lines, and how right they are where the true ones are known.

DATA is an image, a folder of images or of text lines (`likeness.data.lines`), which is read whole, or the name of a set
of text lines, of which a part is read. Where there are no true texts, what is written can be the `labels.tsv`
of the images.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from likeness.app.console import say, table
from likeness.app.inputs import OnData, in_parts
from likeness.app.together import together
from likeness.data import load, whole
from likeness.data.dataset import Options as Reading
from likeness.data.lines import decoded, encoded, every, padded
from likeness.data.memory import from_uint8
from likeness.data.vocabulary import Vocabulary
from likeness.errors import InputError
from likeness.files import replacing
from likeness.ranks import world
from likeness.recipes.pipeline import Session, reopen
from likeness.represent.recogniser import Recogniser
from likeness.represent.transcripts import edits, reading

ENDS = {".tsv": "\t", ".csv": ","}
SHOWN = 10


@dataclass(frozen=True, kw_only=True)
class Options(OnData):
    """Read images of text lines."""

    out: Path | None = None
    """Where to: .tsv or .csv; texts.tsv in the run if not given."""
    label: str | None = None
    """Of lines that lie side by side in one file: text, or words for each word; as the run has it if not given."""
    skip_broken: bool = False
    """Leave out images that cannot be read instead of stopping."""


class Material(NamedTuple):
    """Names, images in [-1, 1] and, where they are known, true texts as ids."""

    names: list[str]
    x: Tensor
    y: Tensor | None


def run(options: Options) -> None:
    out = options.out or options.run / "texts.tsv"
    if out.suffix not in ENDS:
        raise InputError(f"{out}: texts are written as {' or '.join(ENDS)}")
    with together(options.device, options.threads) as where:
        session = reopen(options.run, which=options.checkpoint, device=where)
        method, known = session.model.learner.method, session.vocabulary
        if not isinstance(method, Recogniser) or known is None:
            raise InputError(f"{options.run} is a run of {session.run.recipe}, which reads no text: give a recogniser")
        found = material(session, known, options)
        ids = in_parts(method.read, found.x, device=where, size=64)
        if world().rank:
            return
        texts = decoded(ids, known)
        wrong = None if found.y is None else edits(ids, found.y).tolist()
        true = None if found.y is None else decoded(found.y, known)
        _write(out, found.names, texts, true, wrong)
    _tell(found, ids, texts, true)
    say(f"wrote the texts of {len(texts)} lines to {out}")


def material(session: Session, known: Vocabulary, options: Options) -> Material:
    """What there is to read, in the form that the run learned.

    Raises:
        InputError: it is not there, or has no lines.
    """
    _, height, width = session.facts.event
    label = options.label or session.settings.label
    path = Path(options.data)
    if path.exists():
        found = every(path, Reading(size=height, label=label, skip_broken=options.skip_broken))
        y = None if any(line.text is None for line in found) else encoded([line.text or "" for line in found], known)
        return Material([line.name for line in found], from_uint8(padded([line.image for line in found], width)), y)
    data = load(options.data, size=height, seed=session.settings.seed, label=label)
    if data.kind != "lines":
        raise InputError(f"{options.data} holds {data.kind} and no text lines: give images of lines")
    batch = whole(getattr(data, options.part))
    y = None if batch.y is None or data.vocabulary is None else encoded(decoded(batch.y, data.vocabulary), known)
    return Material([f"{options.part} {i}" for i in range(len(batch.x))], batch.x, y)


def _write(
    out: Path, names: Sequence[str], texts: Sequence[str], true: Sequence[str] | None, wrong: Sequence[int] | None
) -> None:
    head = ["file", "text"] if true is None else ["file", "text", "true", "edits"]
    columns = (names, texts) if true is None or wrong is None else (names, texts, true, map(str, wrong))
    rows = [head, *map(list, zip(*columns, strict=True))]
    with replacing(out) as beside, beside.open("w", encoding="utf-8", newline="") as file:
        if out.suffix == ".csv":
            csv.writer(file).writerows(rows)
        else:  # nothing is quoted: no text has a tab
            file.writelines("\t".join(row) + "\n" for row in rows)


def _tell(found: Material, ids: Tensor, texts: list[str], true: list[str] | None) -> None:
    if true is None or found.y is None:
        table(("image", "text"), list(zip(found.names, texts, strict=True))[:SHOWN], words=2)
        return
    table(("image", "text", "true"), list(zip(found.names, texts, true, strict=True))[:SHOWN], words=3)
    told = reading(ids, found.y)
    say(
        f"of {told.n} lines {told.words:.1%} are read without an error, {told.within_one:.1%} with one edit at most; "
        f"character error rate {told.cer:.1%}"
    )
