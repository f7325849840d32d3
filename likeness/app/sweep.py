"""`likeness sweep RECIPE --data …`: train with many settings, judge each on validation data, report the best."""

import os
import shlex
from collections.abc import Collection, Generator
from contextlib import closing
from dataclasses import dataclass, fields, make_dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import arg

from likeness.app.console import Bar, device, progress, say, threads, warn, working
from likeness.app.options import parsed
from likeness.data.dataset import Dataset
from likeness.errors import InputError
from likeness.judge.features import FeatureSpace
from likeness.recipes.common import Common, names, recipe
from likeness.recipes.pipeline import read
from likeness.recipes.spaces import space_for
from likeness.run.words import metric_label
from likeness.sweep.command import command
from likeness.sweep.fleet import alone, together
from likeness.sweep.page import write
from likeness.sweep.plan import Plan, study_of
from likeness.sweep.space import space_of
from likeness.sweep.storage import faults, in_folder, opened, shown
from likeness.sweep.summary import failures, summary
from likeness.sweep.trial import check
from likeness.sweep.work import pending

OVER = ("finished", "pruned", "failed")  # the states of trials that have ended


@dataclass(frozen=True)
class Options:
    """Search the settings of a recipe for the best score."""

    search: Annotated[tuple[str, ...], arg(metavar="NAME[=RANGE] …", help_behavior_hint="")] = ()
    """What to search: lr_g=1e-4:1e-2:log, width=32:256, loss=hinge,minimax; a name alone takes the range that the
    recipe gives it. Without any, the settings that the recipe names."""
    trials: int = 40
    """Trials in all, over all workers and earlier calls."""
    name: str | None = None
    """Name of the sweep; the same command with the same name goes on where it stopped."""
    storage: str | None = None
    """URL of the database, as in postgresql://user@host/database; a SQLite file in the sweep's folder if not given."""
    out: Path | None = None
    """Folder of the sweep; runs/sweeps/NAME if not given."""
    metric: str = "frechet"
    """What makes a trial good: a row of the judge's table, on validation data."""
    seeds: int = 1
    """Trainings of each trial, whose scores are averaged."""
    workers: int = 1
    """Processes on this machine. The same command on another machine, with the same storage, joins in."""
    prune: bool = True
    """Stop trials whose judged checkpoints fall behind the median of the others. Where checkpoints are judged by
    something else than --metric (models with a density by nll), only if asked for."""


@dataclass(frozen=True)
class Asked:
    """A recipe by name, its settings, which of all options were given, and those of the sweep."""

    recipe: str
    settings: Common
    options: Options
    given: frozenset[str]
    words: tuple[str, ...]


def parse(words: list[str]) -> Asked:
    """The recipe is the first word; the rest are options of the sweep and settings of the recipe."""
    if not words or words[0] in ("-h", "--help"):
        print("usage: likeness sweep RECIPE --data DATA [options]\n")
        for name in names():
            print(f"  {name:20s} {(recipe(name).__doc__ or '').splitlines()[0]}")
        print("\nlikeness sweep RECIPE --help tells the options")
        raise SystemExit(0)
    made = recipe(words[0])
    both = make_dataclass("Both", [], bases=(Options, made.Settings), frozen=True)
    both.__doc__ = Options.__doc__
    found = parsed(both, words[1:], f"likeness sweep {words[0]}")
    own = {f.name: getattr(found, f.name) for f in fields(Options)}
    settings = {f.name: getattr(found, f.name) for f in fields(made.Settings)} | {"out": None, "report": False}
    return Asked(words[0], made.Settings(**settings), Options(**own), given_in(words[1:]), tuple(words))


def given_in(words: list[str]) -> frozenset[str]:
    """The options among the words, by the names of their fields."""
    flags = [w.partition("=")[0][2:].replace("-", "_") for w in words if w.startswith("--")]
    return frozenset(flags) | {f.removeprefix("no_") for f in flags}


def plan_of(asked: Asked) -> Plan:
    """Raises InputError for whatever can be told to be wrong without the data."""
    o, s = asked.options, asked.settings
    if o.workers < 1:
        raise InputError(f"--workers {o.workers}: give a number above zero")
    if s.processes != 1:
        raise InputError(
            "--processes: a sweep trains each trial in one process; use --workers for several trials at once"
        )
    name = o.name or f"{asked.recipe}-{Path(s.data).stem}"
    folder = o.out or Path("runs") / "sweeps" / name
    shared = max(1, (os.cpu_count() or 1) // o.workers) if o.workers > 1 else None
    return Plan(
        recipe=asked.recipe,
        settings=replace(s, device=device(s.device), threads=s.threads or shared),
        space=space_of(recipe(asked.recipe), o.search or None, _fixed(asked.given)),
        name=name,
        folder=folder,
        metric=o.metric,
        trials=o.trials,
        seeds=o.seeds,
        prune=o.prune,
        by_any=o.prune and "prune" in asked.given,
    )


def _fixed(given: Collection[str]) -> set[str]:
    return set(given) - {f.name for f in fields(Options)}


def run(asked: Asked) -> None:
    plan, url = plan_of(asked), asked.options.storage
    storage = None if url is None else opened(url)  # before the data are read, which may take long
    threads(plan.settings.threads)
    with progress("reading") as bar:
        data = read(plan.settings, lambda done, total: bar.update(done, total=total))
    warn(data.notes)
    with working("fitting the space to judge in"):
        space = space_for(plan.settings.features, data, plan.settings.seed, plan.settings.device)
    check(plan, data, space)
    if url is None:
        plan.folder.mkdir(parents=True, exist_ok=True)
        url = in_folder(plan.folder)
    with faults(url):
        news = News(study_of(plan, data, storage or opened(url)), plan, asked, data, shown(url))
        say(f"sweep {plan.name!r}: {plan.trials} trials of {plan.recipe} on {data.name}, kept in {news.place}")
        carry_out(news, data, space, url)
        news.end()


def carry_out(news: "News", data: Dataset, space: FeatureSpace, url: str) -> None:
    """All trials, with a bar and a line for each; an interrupt ends it, and what is finished is kept."""
    plan, workers = news.plan, news.asked.options.workers
    try:
        with progress(f"sweeping {plan.recipe}", plan.trials) as bar:
            steps: Generator[Any, None, None]
            if workers == 1:
                steps = alone(plan, news.study, data, space, lambda words: bar.update(news.over, words))
            else:
                steps = together(plan, url, workers)
            with closing(steps):
                for _ in steps:
                    news.look(bar)
            news.look(bar)
    except KeyboardInterrupt:
        news.write()
        raise InputError(f"interrupted; what is finished is kept, and this goes on with it: {news.again()}") from None


class News:
    """What has become of the trials since the last look, and the report of all of them."""

    def __init__(self, study: Any, plan: Plan, asked: Asked, data: Dataset, place: str) -> None:
        self.study, self.plan, self.asked, self.data, self.place = study, plan, asked, data, place
        self.told = {r["number"] for r in self._summary()["trials"] if r["state"] in OVER}
        self.over = len(self.told)

    def _summary(self) -> dict[str, Any]:
        return summary(self.study, self.plan, self.data, self.place)

    def look(self, bar: Bar) -> None:
        """Tell of each trial that has ended since."""
        made = self._summary()
        ended = [r for r in made["trials"] if r["state"] in OVER]
        self.over = sum(r["again"] is None for r in ended)
        new = [r for r in ended if r["number"] not in self.told]
        for r in new:
            self.told.add(r["number"])
            say(_line(r, made["metric"], best=r["number"] == made["best"]))
        running = [str(r["number"]) for r in made["trials"] if r["state"] == "running"]
        bar.update(self.over, f"running: {', '.join(running)}" if running else "")
        if new:
            self.write(made)

    def write(self, made: dict[str, Any] | None = None) -> Path:
        """The report as things stand."""
        made = made or self._summary()
        best = next((r for r in made["trials"] if r["number"] == made["best"]), None)
        line = None if best is None else command(made["recipe"], replace(self.asked.settings, **best["settings"]))
        return write(made, line, self.plan.folder)

    def again(self) -> str:
        """The command that goes on with this sweep; the storage without its password."""
        storage = self.asked.options.storage
        words = [w if storage is None else w.replace(storage, self.place) for w in self.asked.words]
        return shlex.join(["likeness", "sweep", *words])

    def end(self) -> None:
        """The report, and what it says in short.

        Raises:
            InputError: no trial succeeded, or some were left when all workers had ended.
        """
        made = self._summary()
        path = self.write(made)
        rows = {r["number"]: r for r in made["trials"]}
        say(f"report: {path}")
        if made["best"] is None and (said := failures(made["trials"])):
            raise InputError(f"all {len(rows)} trials failed, {said[0][1]} of them so: {said[0][0]}")
        if pending(self.study, self.plan.trials, 3 * self.plan.heartbeat) is not None:
            raise InputError(f"all workers ended before the sweep did; to go on: {self.again()}")
        best, own = rows[made["best"]], rows.get(made["own"])
        beside = "" if own is None else f"; the recipe's own settings {own['score']:.4g} (trial {own['number']})"
        say(f"best: {metric_label(made['metric'])} {best['score']:.4g} (trial {best['number']}){beside}")
        print(command(made["recipe"], replace(self.asked.settings, **best["settings"])))


def _line(r: dict[str, Any], metric: str, *, best: bool) -> str:
    if r["state"] == "failed":
        return f"trial {r['number']} failed: {r['message']}"
    end = f"{metric} {r['score']:.4g}{', the best so far' if best else ''}" if r["state"] == "finished" else "pruned"
    settings = "  ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in r["settings"].items())
    return f"trial {r['number']}: {end}   ({settings})"
