"""From settings to a trained run, and back from its folder to a sampler: the way that every recipe takes."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import torch

from likeness.data.batching import batches, whole
from likeness.data.columns import Columns
from likeness.data.dataset import Dataset
from likeness.data.load import load
from likeness.errors import InputError
from likeness.judge.features import FeatureSpace
from likeness.recipes.common import Common, Facts, Model, recipe
from likeness.recipes.watching import Watcher
from likeness.run import checkpoint
from likeness.run.fit import Cadence, Tick, fit
from likeness.run.folder import Run, create, open_run

RECORDS = 100  # metrics written in the course of a training


class Session(NamedTuple):
    """A run, what was built for it, and the settings it was built with."""

    run: Run
    model: Model
    settings: Common

    @property
    def facts(self) -> Facts:
        return Facts.restored(self.run.facts)

    @property
    def columns(self) -> Columns | None:
        """How vectors become rows, where the run learned a table."""
        state = self.run.config.get("columns")
        return None if state is None else Columns.from_state(state)


def read(settings: Common, progress: Callable[[int, int], object] | None = None) -> Dataset:
    """The data that the settings name, read in the way they say; `progress` is told how many files are decoded."""
    s = settings
    return load(
        s.data,
        size=s.size,
        channels=s.channels,
        seed=s.seed,
        label=s.label,
        skip_broken=s.skip_broken,
        stream=s.stream,
        limit=s.limit,
        progress=progress,
    )


def begin(name: str, settings: Common, data: Dataset) -> Session:
    """Choose what the settings leave open, build, and make the folder of the run.

    Raises:
        InputError: a setting is out of its range or does not suit the data, or the folder is taken.
    """
    made = recipe(name)
    facts = facts_of(data)
    settings = made.fitting(settings, facts)
    if (settings.batch_size or 1) > facts.n_train:
        raise InputError(f"--batch-size {settings.batch_size}: there are {facts.n_train} training samples; use fewer")
    torch.manual_seed(settings.seed)
    model = made.build(settings, facts)
    folder = settings.out or free_folder(Path("runs"), f"{name}-{Path(settings.data).stem}")
    run = create(folder, name, _plain(replace(settings, out=folder)), facts._asdict(), _extra(data))
    return Session(run, model, settings)


def training(session: Session, data: Dataset, space: FeatureSpace) -> Iterator[Tick]:
    """Train, judging the draws in `space` now and then; the model ends with the weights of the best checkpoint."""
    s = session.settings
    steps, size = s.steps or 1, s.batch_size or 1
    every = s.judge_every or max(1, steps // 10)
    cadence = Cadence(max(1, steps // RECORDS), every)
    score = Watcher(session.model, data, space, patience=s.patience, seed=s.seed)
    feed = batches(data.train, size, seed=s.seed, steps=steps, device=s.device)
    yield from fit(session.run, session.model.learner, feed, cadence, score)
    _restore(session.model, session.run.newest())


def reopen(folder: Path, *, which: str | None = None, device: str = "cpu") -> Session:
    """The session of a run on disk, with the weights of its best checkpoint, or of the one named.

    Raises:
        InputError: the folder is no run, has no such checkpoint, or its weights do not fit its configuration.
    """
    run = open_run(folder)
    made = recipe(run.recipe)
    settings = _restored(made.Settings, run.settings | {"device": device})
    model = made.build(settings, Facts.restored(run.facts))
    _restore(model, run.newest() if which is None else run.checkpoint(which))
    model.learner.method.eval()
    return Session(run, model, settings)


def facts_of(data: Dataset) -> Facts:
    """What a recipe is told about data."""
    labels: tuple[int, ...] = ()
    if data.classes:
        y = whole(data.train).y
        assert y is not None
        labels = tuple(torch.bincount(y, minlength=len(data.classes)).tolist())
    return Facts(data.kind, tuple(data.event), tuple(data.classes), labels, len(data.train))


def free_folder(parent: Path, name: str) -> Path:
    """`parent / name`, or with the first number behind it that makes it new."""
    for i in count(1):
        folder = parent / (name if i == 1 else f"{name}-{i}")
        if not folder.exists():
            return folder
    raise AssertionError


def _extra(data: Dataset) -> dict[str, Any]:
    about = {
        "name": data.name,
        "kind": data.kind,
        "event": list(data.event),
        "train": len(data.train),
        "validation": len(data.validation),
        "test": len(data.test),
        "classes": list(data.classes),
        "fingerprint": data.fingerprint,
    }
    return {"data": about} | ({} if data.columns is None else {"columns": data.columns.state()})


def _restore(model: Model, path: Path) -> None:
    state, _ = checkpoint.load(path)
    checkpoint.restore(model.learner.state, state, path)


def _plain(settings: Common) -> dict[str, Any]:
    return {k: str(v) if isinstance(v, Path) else v for k, v in asdict(settings).items()}


def _restored(kind: type[Common], values: dict[str, Any]) -> Common:
    known = set(kind.__dataclass_fields__)
    if odd := sorted(set(values) - known):
        raise InputError(f"the run has a setting {odd[0]!r} that this version does not know: use the version it names")
    return kind(**values | {"out": Path(values["out"])})
