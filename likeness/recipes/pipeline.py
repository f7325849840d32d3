"""From settings to a trained run, and back from its folder to a sampler: the way that every recipe takes."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import torch

from likeness.core import learn
from likeness.data.batching import batches
from likeness.data.columns import Columns
from likeness.data.dataset import Dataset
from likeness.data.load import load
from likeness.data.vocabulary import Vocabulary
from likeness.errors import InputError
from likeness.files import tidy, write_json
from likeness.findings import Finding
from likeness.judge.features import FeatureSpace
from likeness.nn.precision import lower
from likeness.ranks import World, using, world
from likeness.recipes.common import Common, Facts, Model, changeable, drawing_rows, positive, recipe, suits
from likeness.recipes.facts import facts_of
from likeness.recipes.feeding import Feed
from likeness.recipes.watching import Watcher
from likeness.run import checkpoint, state
from likeness.run.fit import Cadence, Tick, fit
from likeness.run.folder import Run, create, environment, open_run
from likeness.run.learner import Learner
from likeness.run.lock import lock, locked
from likeness.run.shard import networks, shard

RECORDS = 100  # metrics written in the course of a training


class Session(NamedTuple):
    """A run, what was built for it, and the settings it was built with; the state to go on from, where it does.

    `new_rates` says that the learning rates are those of the settings and not those of the state.
    """

    run: Run
    model: Model
    settings: Common
    resumed: state.Saved | None = None
    new_rates: bool = False
    notes: tuple[Finding, ...] = ()

    @property
    def facts(self) -> Facts:
        return Facts.restored(self.run.facts)

    @property
    def columns(self) -> Columns | None:
        """How vectors become rows, where the run learned a table."""
        state = self.run.config.get("columns")
        return None if state is None else Columns.from_state(state)

    @property
    def vocabulary(self) -> Vocabulary | None:
        """How token ids become text, where the run learned text."""
        state = self.facts.vocabulary
        return None if state is None else Vocabulary.from_state(state)


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
        tokens=s.tokens,
        length=s.length,
        pieces=s.pieces,
    )


def begin(name: str, settings: Common, data: Dataset) -> Session:
    """Choose what the settings leave open, build, and make the folder of the run.

    Raises:
        InputError: a setting is out of its range or does not suit the data, or the folder is taken.
    """
    made = recipe(name)
    facts = facts_of(data)
    suits(name, facts.kind, data.name)
    positive(settings, "save_every", "keep", "accumulate", "processes")
    settings = made.fitting(settings, facts)
    size = settings.batch_size or 1
    if size > facts.n_train:
        raise InputError(f"--batch-size {size}: there are {facts.n_train} training samples; use fewer")
    if settings.accumulate * world().size > size:
        raise InputError(
            f"--batch-size {size} for {world().size} processes, --accumulate {settings.accumulate}: use more"
        )
    if settings.accumulate > 1:
        _accumulates(made.build(settings, facts).learner, data)
    torch.manual_seed(settings.seed)
    model = prepared(drawing_rows(made.build(settings, facts), facts), settings)
    folder = settings.out or world().objects(free_folder(Path("runs"), f"{name}-{Path(settings.data).stem}"))[0]
    given = folder, name, _plain(replace(settings, out=folder)), facts._asdict()
    run = create(*given, _extra(data)) if world().rank == 0 else None
    config = world().objects(None if run is None else run.config)[0]
    assert config is not None
    return Session(Run(folder, config), model, settings)


def resume(run: Run, settings: Common, data: Dataset) -> Session:
    """The session of a run that goes on from its last whole state, with what has changed in the settings written down.

    Raises:
        InputError: the run is in use, has no whole state, was of other data, or a setting cannot be changed.
    """
    before = settings_of(run)
    changed = {f.name for f in fields(settings) if getattr(settings, f.name) != getattr(before, f.name)}
    if fixed := sorted(name for name in changed if not changeable(name)):
        option = f"--{fixed[0].replace('_', '-')}"
        raise InputError(f"{option} cannot be changed when a run goes on: leave it out, or begin a new run")
    if data.fingerprint != run.config["data"]["fingerprint"]:
        raise InputError(
            f"{settings.data} does not hold the data that {run.folder} began with (their fingerprints differ): "
            "give the same data, or begin a new run"
        )
    if locked(run.folder) and world().rank == 0:
        raise InputError(f"{run.folder} is being trained by another process: wait for it")
    saved, notes = state.newest(run.folder)
    if saved is None:
        raise InputError(f"{run.folder} holds no state to go on from: begin a new run")
    positive(settings, "steps", "save_every", "keep", "processes")
    torch.manual_seed(settings.seed)
    facts = Facts.restored(run.facts)
    model = prepared(drawing_rows(recipe(run.recipe).build(settings, facts), facts), settings)
    config = run.config | {
        "settings": _plain(settings),
        "resumed": [*run.config.get("resumed", []), _step(saved, before, settings, changed)],
    }
    if world().rank == 0:
        write_json(run.folder / "config.json", config)
    new_rates = any(name.startswith("lr") for name in changed)
    return Session(Run(run.folder, config), model, settings, saved, new_rates, tuple(notes))


def training(session: Session, data: Dataset, space: FeatureSpace) -> Iterator[Tick]:
    """Train, judging the draws in `space` now and then; the model ends with the weights of the best checkpoint.

    Raises:
        InputError: another process trains into the folder.
        KeyboardInterrupt: SIGTERM or Ctrl-C; the state is saved.
    """
    s, folder = session.settings, session.run.folder
    steps, size = s.steps or 1, s.batch_size or 1
    cadence = Cadence(max(1, steps // RECORDS), s.judge_every or max(1, steps // 10), s.save_every, s.keep)
    world().batch_size = size
    watcher = Watcher(session.model, data, space, patience=s.patience, seed=s.seed, apart=not s.shard)
    feed = Feed(session.model.learner.method, data, size, steps, s)
    with lock(folder) if world().rank == 0 else nullcontext():
        if world().rank == 0:
            tidy(folder)
        yield from fit(
            session.run,
            session.model.learner,
            feed,
            cadence,
            watcher,
            resumed=session.resumed,
            new_rates=session.new_rates,
            accumulate=s.accumulate,
            track=s.track,
        )
    world().objects(None)
    if not s.shard:  # what is sharded is drawn from by `reopen`
        _restore(session.model, session.run.newest())


def reopen(folder: Path, *, which: str | None = None, device: str = "cpu") -> Session:
    """The session of a run on disk, with the weights of its best checkpoint, or of the one named.

    Raises:
        InputError: the folder is no run, has no such checkpoint, or its weights do not fit its configuration.
    """
    run = open_run(folder)
    made = recipe(run.recipe)
    settings = replace(settings_of(run), device=device)
    facts = Facts.restored(run.facts)
    model = drawing_rows(made.build(settings, facts), facts)
    _restore(model, run.newest() if which is None else run.checkpoint(which))
    model.learner.method.eval()
    return Session(run, model, settings)


def drawing_from(session: Session) -> Session:
    """The session, of a run that can be drawn from.

    Raises:
        InputError: it learned a representation and no distribution.
    """
    if not session.model.draws:
        where, name = session.run.folder, session.run.recipe
        raise InputError(f"{where} is a run of {name}, which has nothing to draw: use likeness embed or likeness probe")
    return session


def settings_of(run: Run) -> Common:
    """The settings that a run was made with.

    Raises:
        InputError: it has one that this version does not know.
    """
    return _restored(recipe(run.recipe).Settings, run.settings)


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


def _accumulates(learner: Learner, data: Dataset) -> None:
    """Try a step in pieces, before a folder is made: raises InputError where a loss looks at the whole batch."""
    device = next(learner.method.parameters()).device
    with using(World()):
        first = next(batches(data.train, 4, steps=1, device=device))
        learn(learner.method.train(), first, learner.optimisers, accumulate=2)


def prepared(model: Model, settings: Common) -> Model:
    """The model as the settings want it computed."""
    learner = model.learner
    if settings.precision == "bf16":
        for network in networks(learner.method):
            lower(network)
    if settings.shard:
        shard(learner)
    if settings.compile:
        for network in learner.once:
            network.compile()
    return model


def _step(saved: state.Saved, before: Common, now: Common, changed: set[str]) -> dict[str, Any]:
    """What is written down when a run goes on: where, when, on what, and what was changed."""
    old, new = _plain(before), _plain(now)
    return {
        "iteration": saved.iteration,
        "begun": datetime.now(UTC).isoformat(timespec="seconds"),
        "changed": {name: [old[name], new[name]] for name in sorted(changed)},
        "environment": environment(now.device),
    }


def _restore(model: Model, path: Path) -> None:
    state, _ = checkpoint.load(path)
    own = model.learner.state.state_dict()
    checkpoint.restore(model.learner.state, {k: own[k] for k in model.learner.to_train} | state, path)


def _plain(settings: Common) -> dict[str, Any]:
    return {k: str(v) if isinstance(v, Path) else v for k, v in asdict(settings).items()}


def _restored(kind: type[Common], values: dict[str, Any]) -> Common:
    known = set(kind.__dataclass_fields__)
    if odd := sorted(set(values) - known):
        raise InputError(f"the run has a setting {odd[0]!r} that this version does not know: use the version it names")
    return kind(**values | {"out": Path(values["out"]), "track": tuple(values.get("track", ("tensorboard",)))})
