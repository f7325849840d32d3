"""`likeness judge`: scores with intervals and baselines, of a run or of a file of samples."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import torch
import tyro

from likeness.app.console import progress, say, table, warn
from likeness.app.inputs import Material, material
from likeness.app.together import together
from likeness.data.export import read as read_samples
from likeness.errors import InputError
from likeness.files import write_json
from likeness.judge.judge import judge
from likeness.judge.score import Scores
from likeness.ranks import world
from likeness.recipes.outcome import elsewhere, table_of, with_outside
from likeness.recipes.pipeline import drawing_from, read, reopen
from likeness.recipes.refinement import Say
from likeness.recipes.spaces import fit_of, space_for


@dataclass(frozen=True)
class Options:
    """Score samples against real data."""

    run: Annotated[Path | None, tyro.conf.Positional] = None
    """Folder of a run, judged on the test split of its data; or give --samples and --reference."""
    samples: Path | None = None
    """Samples: .npy, .npz, .csv, .parquet or a folder of images."""
    reference: str | None = None
    """Real data that nothing was trained on: a file, a folder of images, or the name of a data set (its test split)."""
    train: str | None = None
    """The training data, to tell whether samples are copies of them: a file, a folder, or the name of a data set."""
    labels: Path | None = None
    """Classes 0, 1, … of the training data (.npy), for --features classifier."""
    ood: str | None = None
    """Data from elsewhere: how likely the run's model finds it beside its own test data, and whether it tells them."""
    features: Literal["auto", "raw", "pca", "classifier", "inception", "dinov2"] = "auto"
    """Space to compare in: auto is a classifier for images with labels, pca for other images, else raw."""
    n: Annotated[int | None, tyro.conf.arg(aliases=["-n"])] = None
    """Samples to judge; as many as every row of the table can have if not given."""
    baselines: bool = True
    """Held-out data, a Gaussian, the memoriser and noise, judged in the same way."""
    seed: int = 0
    """Decides draws, fits and resampling."""
    checkpoint: Literal["best", "last"] | None = None
    """Which weights of the run; the best by the judged score if not given."""
    device: str = "auto"
    """cpu, cuda, cuda:1 …; auto takes a GPU where there is one."""
    threads: int | None = None
    """Processor threads."""
    json: Path | None = None
    """Write scores, warnings and protocol to this file."""
    processes: int = 1
    """Processes that share the work; they change nothing in its outcome."""


def run(options: Options) -> None:
    if (options.run is None) == (options.samples is None):
        raise InputError("give the folder of a run, or --samples FILE with --reference DATA")
    if options.ood is not None and options.run is None:
        raise InputError("--ood needs the folder of a run, whose model has a likelihood: samples on file have none")
    with together(options.device, options.threads) as where:
        with progress("judging") as bar:
            make = _of_run if options.run is not None else _of_file
            scores = make(options, where, bar.stage)
        show(scores.table())
        if scores.stated:
            say("; ".join(scores.stated))
        warn(scores.warnings)
        if options.json is not None and world().rank == 0:
            write_json(options.json, scores.as_dict())
            say(f"wrote {options.json}")


def show(rows: list[list[str]]) -> None:
    """A table whose first row is its header."""
    table(rows[0], rows[1:])


def _of_run(options: Options, where: str, tell: Say) -> Scores:
    assert options.run is not None
    session = drawing_from(reopen(options.run, which=options.checkpoint, device=where))
    data = read(session.settings)
    name = session.settings.features if options.features == "auto" else options.features
    space = space_for(name, data, session.settings.seed, session.settings.device)
    other = None if options.ood is None else elsewhere(session, options.ood)
    scores = table_of(session.model.sampler, data, space, session, tell)
    return scores if other is None else with_outside(scores, session, data, other, options.ood or "")


def _of_file(options: Options, where: str, tell: Say) -> Scores:
    assert options.samples is not None
    if options.reference is None:
        raise InputError("--samples needs --reference DATA to compare with")
    given = material(options.samples, options.reference, options.train, "test")
    labels = _labels(options, given)
    event = tuple(given.samples.shape[1:])
    return judge(
        given.samples,
        given.real.x,
        train=None if given.train is None else given.train.x,
        columns=given.columns,
        labels=labels,
        features=fit_of(options.features, event, labels is not None, options.seed, where),
        n=options.n,
        seed=options.seed,
        baselines=options.baselines,
        device=where,
        progress=tell,
    )


def _labels(options: Options, given: Material) -> torch.Tensor | None:
    if options.labels is None:
        return None if given.train is None else given.train.y
    if given.train is None:
        raise InputError("--labels are those of the training data: give --train too")
    return read_samples(options.labels).flatten().long()
