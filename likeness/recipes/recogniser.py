"""A recogniser of text lines: images with transcriptions to a reader, from a pre-trained encoder or from nothing.

`--encoder RUN` begins with the encoder of a run of `seqclr` (or of another recogniser); with `--frozen` it stays as it
is, and the decoder alone is trained. Checkpoints are chosen by the edits of readings of validation lines for each of
their characters. `likeness read RUN --data DATA` reads new images.

Alex Graves, Santiago Fernández, Faustino Gomez, Jürgen Schmidhuber. Connectionist Temporal Classification. 2006.
https://doi.org/10.1145/1143844.1143891
"""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from torch import Tensor, nn
from torch.optim import Adam

from likeness.data import Batch, Dataset, whole
from likeness.data.lines import decoded
from likeness.data.vocabulary import Vocabulary
from likeness.errors import InputError
from likeness.judge.features import FeatureSpace
from likeness.nn.frames import Bidirectional
from likeness.nn.line_encoder import LineEncoder
from likeness.recipes.common import Common, Facts, Model, Range, positive, silent
from likeness.recipes.line_reading import cool, encoder_for, steps_for
from likeness.represent.recogniser import Recogniser
from likeness.represent.transcripts import reading
from likeness.run.folder import open_run
from likeness.run.learner import Learner

KINDS = ("lines",)
LARGEST, SHOWN = 2000, 20  # lines that are read for the report, and of which it shows the texts
TAUGHT = ("seqclr", "recogniser")  # recipes whose runs have an encoder of lines


@dataclass(frozen=True)
class Settings(Common):
    """Train a recogniser of text lines."""

    encoder: str | None = None
    """Folder of a run whose encoder is the beginning; a new one if not given."""
    frozen: bool = False
    """Leave that encoder as it is."""
    decoder: Literal["linear", "bilstm"] = "linear"
    """What turns frames into characters."""
    context: int = 0
    """Layers of a BiLSTM in a new encoder."""
    d: Annotated[int, Range(32, 512, log=True)] = 128
    """Numbers of a frame of a new encoder."""
    width: Annotated[int, Range(8, 64, log=True)] = 16
    """Channels of the first stage of a new encoder."""
    lr: Annotated[float | None, Range(1e-4, 1e-2, log=True)] = None
    """Learning rate of the first step, which falls to zero by a cosine; 0.001, of a decoder alone 0.01, if not
    given."""


def fitting(settings: Settings, facts: Facts) -> Settings:
    """The settings with every open choice made by the data and by the run of the encoder.

    Raises:
        InputError: lines without transcriptions, a number out of its range, or no encoder of such lines.
    """
    s = settings
    positive(s, "steps", "batch_size", "d", "width", "lr", "judge_every")
    if facts.vocabulary is None:
        raise InputError(f"{s.data} has no transcriptions, which a recogniser learns from: use likeness train seqclr")
    if s.frozen and s.encoder is None:
        raise InputError("--frozen of an encoder that has learned nothing: give --encoder RUN")
    if s.encoder is not None:
        s = _as_taught(s, s.encoder, facts)
    size = s.batch_size or min(32, facts.n_train)
    steps = s.steps or steps_for(facts.n_train, size, epochs=40)
    rate = s.lr or (1e-2 if s.frozen else 1e-3)
    return replace(s, batch_size=size, steps=steps, lr=rate, judge_every=s.judge_every or max(1, steps // 10))


def _as_taught(s: Settings, encoder: str, facts: Facts) -> Settings:
    """The settings with the sizes of the encoder of a run."""
    run = open_run(Path(encoder))
    if run.recipe not in TAUGHT:
        raise InputError(f"--encoder {encoder} is a run of {run.recipe}: give one of {' or '.join(TAUGHT)}")
    its, mine = tuple(run.facts["event"])[:2], facts.event[:2]
    if its != mine:
        raise InputError(
            f"--encoder {encoder} reads lines {its[1]} pixels high, these have {mine[1]}: give --size {its[1]}"
        )
    sizes = {name: run.settings[name] for name in ("d", "width", "context")}
    return replace(s, encoder=str(run.folder.resolve()), **sizes)


def build(settings: Settings, facts: Facts) -> Model:
    """The recogniser and its optimiser, for settings without open choices."""
    s = settings
    known = Vocabulary.from_state(facts.vocabulary or {"characters": [], "merges": []})
    f = encoder_for(facts, d=s.d, width=s.width, context=s.context)
    if s.encoder is not None and (Path(s.encoder) / "config.json").is_file():  # a finished run needs it no longer
        f.load_state_dict(_taught(Path(s.encoder)).state_dict())
    signs = len(known) + 1
    D = nn.Linear(f.d, signs) if s.decoder == "linear" else Bidirectional(f.d, signs, width=f.d)
    method = Recogniser(f, D, frozen=s.frozen).to(s.device)
    lr = s.lr or 1e-3
    optimiser = Adam((D if s.frozen else method).parameters(), lr)
    state = nn.ModuleDict({"method": method})
    return Model(
        Learner(method, optimiser, partial(cool, method, optimiser, lr, s.steps or 1), state),
        silent,
        score=("character_errors", lambda batch: method.error(batch.x, batch.y)),
        labelled=True,
        encode=method.encode,
        tables=partial(_tables, method, known),
    )


def _taught(folder: Path) -> LineEncoder:
    """The encoder of a run, of its best checkpoint."""
    from likeness.recipes.pipeline import reopen

    f = reopen(folder).model.learner.method.f
    assert isinstance(f, LineEncoder)
    return f


def _tables(
    method: Recogniser, known: Vocabulary, data: Dataset, space: FeatureSpace
) -> dict[str, list[dict[str, Any]]]:
    """How well new lines are read, and the first of them as they are and as they are read."""
    rows = []
    for name in ("validation", "test"):
        batch = whole(getattr(data, name), LARGEST)
        found = _read(method, batch)
        assert batch.y is not None
        told = reading(found, batch.y)
        rows.append(
            {
                "lines": f"{name}, {told.n}",
                "read without an error": told.words,
                "with one edit at most": told.within_one,
                "character error rate": told.cer,
            }
        )
        pairs = zip(decoded(batch.y[:SHOWN], known), decoded(found[:SHOWN], known), strict=True)
    return {"Reading": rows, "Some test lines": [{"text": true, "read": said} for true, said in pairs]}


def _read(method: Recogniser, batch: Batch) -> Tensor:
    device = next(method.parameters()).device
    return torch.cat([method.read(part.to(device)).cpu() for part in batch.x.split(256)])
