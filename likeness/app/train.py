"""`likeness train RECIPE --data …`: train, then refine the draws, judge them before and after, and write the report.

`likeness train --resume RUN` goes on where a run stopped. With `--processes N`, or started by torchrun, N processes
share each batch.
"""

from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from likeness.app.console import device, progress, quiet, say, threads, warn, working
from likeness.app.options import parsed
from likeness.data.dataset import Dataset
from likeness.errors import InputError
from likeness.files import remove
from likeness.judge.features import FeatureSpace, raw
from likeness.judge.material import LEAST
from likeness.ranks import world
from likeness.recipes.common import Common, names, recipe
from likeness.recipes.outcome import Outcome, Refinement
from likeness.recipes.pipeline import Session, begin, free_folder, read, reopen, resume, settings_of, training
from likeness.recipes.spaces import fit_for, fitted
from likeness.run import processes
from likeness.run.folder import Run, open_run
from likeness.run.lock import lock
from likeness.run.sinks import check


@dataclass(frozen=True)
class Asked:
    """A recipe by name and its settings; the run to go on with; the words to start more processes with."""

    name: str
    settings: Common
    run: Run | None = None
    words: tuple[str, ...] = ()


def parse(words: list[str]) -> Asked:
    """The recipe is the first word, or the run follows --resume; the rest are settings."""
    if not words or words[0] in ("-h", "--help"):
        print("usage: likeness train RECIPE --data DATA [options]\n       likeness train --resume RUN [options]\n")
        for name in names():
            print(f"  {name:20s} {(recipe(name).__doc__ or '').splitlines()[0]}")
        print("\nlikeness train RECIPE --help tells the options")
        raise SystemExit(0)
    if words[0] == "--resume":
        if len(words) < 2:
            raise InputError("--resume: give the folder of the run")
        return _going_on(Path(words[1]), words[2:])
    made = recipe(words[0])
    return Asked(words[0], parsed(made.Settings, words[1:], f"likeness train {words[0]}"), words=tuple(words))


def _going_on(folder: Path, words: list[str]) -> Asked:
    run = open_run(folder)
    known = settings_of(run)
    settings = parsed(type(known), words, f"likeness train --resume {folder}", known=known)
    return Asked(run.recipe, settings, run, ("--resume", str(folder), *words))


def run(asked: Asked) -> int:
    """The exit code; everything that is learned lies in the folder of the run."""
    s = asked.settings
    if s.processes != 1 and not processes.started():
        out = s.out or free_folder(Path("runs"), f"{asked.name}-{Path(s.data).stem}")
        chosen = () if asked.run is not None else ("--out", str(out))
        return processes.launch(s.processes, ["train", *asked.words, *chosen], s.max_restarts)
    if s.out is None and asked.run is None and processes.started():
        raise InputError("several processes need to know the folder of the run: give --out")
    threads(s.threads)
    settings = replace(s, device=processes.device(device(s.device)))
    with quiet(processes.rank() > 0), processes.joined(settings.device):
        _work(replace(asked, settings=settings))
    return 0


def _work(asked: Asked) -> None:
    settings = asked.settings
    check(settings.track)
    with progress("reading") as bar:
        data = read(settings, lambda done, total: bar.update(done, total=total))
    warn(data.notes)
    parts = len(data.train), len(data.validation), len(data.test)
    say(f"{data.name}: {parts[0]} samples to learn from, {parts[1]} to choose by, {parts[2]} to judge by")
    if settings.report and min(parts) < LEAST:
        raise InputError(f"{min(parts)} samples in a part are too few for a report: give more data, or --no-report")
    fit = fit_for(settings.features, data, settings.seed, settings.device)
    session = _session(asked, data)
    warn(session.notes)
    with lock(session.run.folder) if world().rank == 0 else nullcontext():
        draws = session.model.draws
        with working("fitting the space to judge in") if draws else nullcontext():
            space = fitted(fit, data, settings.seed) if draws else raw()
        learn(session, data, space)
        if settings.shard:
            session = session._replace(model=reopen(session.run.folder, device=settings.device).model)
        if settings.report:
            present(Outcome(session, data, space, Refinement()))
        else:
            say(f"trained: likeness {'sample' if draws else 'embed'} {session.run.folder}")


def _session(asked: Asked, data: Dataset) -> Session:
    run, settings = asked.run, asked.settings
    if run is None and processes.restarts():
        run = _begun(settings)
        settings = settings if run is None else replace(settings_of(run), device=settings.device)
    if run is None:
        return begin(asked.name, settings, data)
    session = resume(run, settings, data)
    at, steps = (session.resumed.iteration if session.resumed else 0), session.settings.steps or 0
    say(f"{run.folder} goes on from step {at} of {steps}")
    if at >= steps:
        say("there is nothing left to learn: give more --steps")
    return session


def _begun(settings: Common) -> Run | None:
    """After a restart, the run that was begun before it; None where it died before there was a state to go on from."""
    out = settings.out
    if out is None or not (out / "config.json").is_file():
        return None
    if any((out / "state").glob("step-*")):
        return open_run(out)
    world().objects(None)  # all have looked
    if world().rank == 0:
        remove(out)
    return None


def learn(session: Session, data: Dataset, space: FeatureSpace) -> None:
    """The training with its bar; an interrupt ends it, and what was learned is on disk."""
    folder, steps = session.run.folder, session.settings.steps or 1
    try:
        with progress(f"training {session.run.recipe}", steps) as bar:
            for tick in training(session, data, space):
                losses = "  ".join(f"{name} {value:.3f}" for name, value in tick.terms.items())
                bar.update(tick.iteration, losses)
                if tick.score is not None:
                    say(f"step {tick.iteration}: {tick.score.metric} {tick.score.value:.4g} on validation data")
                    warn(tick.score.findings)
    except KeyboardInterrupt:
        if world().rank:
            raise SystemExit(2) from None
        done, verb = session.model.learner.method.iteration, "sample" if session.model.draws else "embed"
        raise InputError(
            f"interrupted at step {done}; what was learned is kept: likeness {verb} {folder}, "
            f"or go on with: likeness train --resume {folder}"
        ) from None


def present(outcome: Outcome) -> None:
    """Refine, judge, write the report, and say where it is."""
    with progress("refining and judging") as bar:
        outcome.work(bar.stage)
    if world().rank:
        return
    path = outcome.write()
    warn(finding for _, finding in outcome.warnings)
    for row in outcome.report.get("verdict", []):
        if row["metric"] in ("frechet", "high_quality"):
            sure = "beyond" if row["beyond_interval"] else "within"
            say(f"{row['metric']}: {row['raw']:.4g} raw, {row['refined']:.4g} refined ({sure} the interval)")
    say(f"report: {path}")
