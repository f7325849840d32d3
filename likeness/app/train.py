"""`likeness train RECIPE --data …`: train, then refine the draws, judge both, and write the report."""

from dataclasses import dataclass, replace
from pathlib import Path

from likeness.app.console import device, progress, say, threads, warn, working
from likeness.app.options import parsed
from likeness.data.dataset import Dataset
from likeness.errors import InputError
from likeness.judge.features import FeatureSpace
from likeness.recipes.common import Common, names, recipe
from likeness.recipes.outcome import Outcome, Refinement
from likeness.recipes.pipeline import Session, begin, read, training
from likeness.recipes.spaces import space_for


@dataclass(frozen=True)
class Asked:
    """A recipe by name and its settings."""

    name: str
    settings: Common


def parse(words: list[str]) -> Asked:
    """The recipe is the first word; the rest are its settings."""
    if not words or words[0] in ("-h", "--help"):
        print("usage: likeness train RECIPE --data DATA [options]\n")
        for name in names():
            print(f"  {name:20s} {(recipe(name).__doc__ or '').splitlines()[0]}")
        print("\nlikeness train RECIPE --help tells the options")
        raise SystemExit(0)
    made = recipe(words[0])
    return Asked(words[0], parsed(made.Settings, words[1:], f"likeness train {words[0]}"))


def run(asked: Asked) -> None:
    threads(asked.settings.threads)
    settings = replace(asked.settings, device=device(asked.settings.device))
    with progress("reading") as bar:
        data = read(settings, lambda done, total: bar.update(done, total=total))
    warn(data.notes)
    parts = len(data.train), len(data.validation), len(data.test)
    say(f"{data.name}: {parts[0]} samples to learn from, {parts[1]} to choose by, {parts[2]} to judge by")
    session = begin(asked.name, settings, data)
    with working("fitting the space to judge in"):
        space = space_for(settings.features, data, settings.seed, settings.device)
    learn(session, data, space)
    if settings.report:
        present(Outcome(session, data, space, Refinement()))
    else:
        say(f"trained: likeness sample {session.run.folder}")


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
        done = session.model.learner.method.iteration
        raise InputError(f"interrupted at step {done}; what was learned is kept: likeness sample {folder}") from None


def present(outcome: Outcome) -> Path:
    """Refine, judge, write the report, and say where it is."""
    with progress("refining and judging") as bar:
        outcome.work(bar.stage)
    path = outcome.write()
    warn(finding for _, finding in outcome.warnings)
    for row in outcome.report["verdict"]:
        if row["metric"] in ("frechet", "high_quality"):
            sure = "beyond" if row["beyond_interval"] else "within"
            say(f"{row['metric']}: {row['raw']:.4g} raw, {row['refined']:.4g} refined ({sure} the interval)")
    say(f"report: {path}")
    return path
