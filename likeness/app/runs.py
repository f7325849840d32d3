"""`likeness runs`: the runs there are, two or more of them side by side, and those that can go."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import tyro

from likeness.app.console import say, table, warn
from likeness.app.options import parsed
from likeness.errors import InputError, unknown
from likeness.files import read_json, write_json
from likeness.findings import Finding
from likeness.run.prune import ENDED, chosen, remains, remove, size, training_state
from likeness.run.registry import Entry, entry, find
from likeness.run.track import records

NONE = "–"


@dataclass(frozen=True)
class Listing:
    """List runs. `likeness runs compare A B` sets them side by side, `likeness runs prune` removes some."""

    folder: Annotated[Path, tyro.conf.Positional] = Path("runs")
    """Where to look, also in the folders below."""
    by: Literal["begun", "score", "name"] = "begun"
    """Order: the newest, the best (for each data set), or the first name at the top."""
    json: Path | None = None
    """Write the list to this file."""


@dataclass(frozen=True)
class Comparison:
    """Set runs side by side: settings that differ, scores, and where the curves ended."""

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Folders of runs."""
    json: Path | None = None
    """Write what is shown to this file."""


@dataclass(frozen=True)
class Pruning:
    """Name the runs that meet every condition given, and with --delete remove them. Running ones always stay."""

    folder: Annotated[Path, tyro.conf.Positional] = Path("runs")
    """Where to look, also in the folders below."""
    keep_best: int | None = None
    """All but so many best, of each metric and data set (each seed has its own); runs without a score stay."""
    older_than: float | None = None
    """Begun more than so many days ago."""
    states: str | None = None
    """In one of these states: finished, stopped, crashed; several with commas between."""
    checkpoints: bool = False
    """Only what finished runs would need to be resumed; they and their weights stay."""
    delete: bool = False
    """Remove what is named; without it nothing is touched."""


FORMS = {"compare": Comparison, "prune": Pruning}


def parse(words: list[str]) -> Listing | Comparison | Pruning:
    """The first word may say which of the three is meant."""
    if words and words[0] in FORMS:
        return parsed(FORMS[words[0]], words[1:], f"likeness runs {words[0]}")
    return parsed(Listing, words, "likeness runs")


def run(options: Listing | Comparison | Pruning) -> None:
    if isinstance(options, Comparison):
        compare(options)
    elif isinstance(options, Pruning):
        prune(options)
    else:
        listing(options)


def listing(options: Listing) -> None:
    runs = _ordered(find(options.folder), options.by)
    if options.json is not None:
        write_json(options.json, [r.as_dict() for r in runs])
    if not runs:
        say(f"no runs in {options.folder}")
        return
    metrics = {r.metric for r in runs if r.metric}
    score = min(metrics) if len(metrics) == 1 else "best score"
    columns = ["run", "recipe", "data", "state", "step", score, "time", "begun"]
    table(columns, (_row(r, len(metrics) > 1) for r in runs), words=4)
    warn(Finding("damaged", f"{r.name} is damaged:", r.reason) for r in runs if r.state == "damaged")


def _ordered(runs: list[Entry], by: str) -> list[Entry]:
    if by == "score":
        return sorted(runs, key=lambda r: (r.score is None, r.data, r.metric, r.score or 0.0))
    if by == "begun":
        return sorted(runs, key=lambda r: -r.begun.timestamp() if r.begun else 0.0)
    return runs


def _row(r: Entry, named: bool) -> list[str]:
    if r.state == "damaged":
        return [r.name, NONE, NONE, r.state, NONE, NONE, NONE, NONE]
    score = NONE if r.score is None else f"{r.metric} {r.score:.4g}" if named else f"{r.score:.4g}"
    step = f"{r.iteration}/{r.steps or '?'}"
    return [r.name, r.recipe, r.data, r.state, step, score, _time(r.seconds), _day(r.begun)]


def compare(options: Comparison) -> None:
    """Settings, scores and last values, where runs have them; and whether their data are the same."""
    if len(options.runs) < 2:
        raise InputError("give two runs or more")
    runs = [entry(path, str(path)) for path in options.runs]
    if odd := next((r for r in runs if r.state == "damaged"), None):
        raise InputError(odd.reason)
    parts = {"settings that differ": _settings(runs), "scores": _scores(runs), "last values": _last(runs)}
    for title, rows in parts.items():
        if rows:
            shown = ([name, *(NONE if v is None else _shown(v) for v in values)] for name, values in rows.items())
            table(["", *(r.name for r in runs)], shown, title=title)
    if not parts["settings that differ"]:
        say("settings: the same")
    same = len({r.fingerprint for r in runs}) == 1 and runs[0].fingerprint != ""
    if same:
        say(f"data: the same ({runs[0].data})")
    else:
        warn([_unlike(runs)])
    if options.json is not None:
        write_json(options.json, {"runs": [r.name for r in runs], "same_data": same} | parts)


def _unlike(runs: Sequence[Entry]) -> Finding:
    data = ", ".join(f"{r.name} {r.data} {r.fingerprint[:8]}".strip() for r in runs)
    if len({r.data for r in runs}) == 1 and len({r.settings.get("seed") for r in runs}) > 1:
        told = "Another seed draws or splits the data otherwise: their scores differ by that, too."
    else:
        told = "Their scores cannot be compared."
    return Finding("other-data", f"The data are not the same ({data}).", told)


Rows = dict[str, list[Any]]


def _settings(runs: Sequence[Entry]) -> Rows:
    names = dict.fromkeys(name for r in runs for name in r.settings if name != "out")
    rows = {name: [r.settings.get(name) for r in runs] for name in names}
    return {name: values for name, values in rows.items() if any(v != values[0] for v in values)}


def _scores(runs: Sequence[Entry]) -> Rows:
    """The best score while training, and what the reports say of raw and refined draws."""
    found: list[dict[str, float]] = []
    for r in runs:
        own = {} if r.score is None else {f"{r.metric}, best while training": r.score}
        path = r.folder / "report.json"
        subjects = read_json(path).get("scores", {}) if path.is_file() else {}
        for subject, scores in subjects.items():
            own |= {f"{s['metric']}, {subject}": s["value"] for s in scores["scores"] if s["baseline"] is None}
        found.append(own)
    return _aligned(found)


def _last(runs: Sequence[Entry]) -> Rows:
    found = []
    for r in runs:
        own: dict[str, float] = {"step": r.iteration}
        for line in records(r.folder, "terms"):
            own |= {k: v for k, v in line.items() if k not in ("iteration", "kind", "seconds")}
        found.append(own | ({} if r.seconds is None else {"seconds": r.seconds}))
    return _aligned(found)


def _aligned(found: Sequence[dict[str, float]]) -> Rows:
    return {name: [own.get(name) for own in found] for name in dict.fromkeys(k for own in found for k in own)}


def prune(options: Pruning) -> None:
    """Name what would go, with sizes; remove it where that is asked for."""
    left = [Doomed(path.parent, path, "removed") for path in remains(options.folder)]
    runs = _chosen(options)
    if options.checkpoints:
        going = [(r, training_state(r)) for r in runs if r.state == "finished"]
    else:
        going = [(r, r.folder) for r in runs]
    doomed = left + [Doomed(r.folder, path, r.state) for r, path in going if path]  # in this order: names become free
    if not doomed:
        say(f"nothing to remove in {options.folder}")
        return
    sizes = [size(d.path) for d in doomed]
    rows = [[str(d.path), d.state, _bytes(n)] for d, n in zip(doomed, sizes)]
    table(["remove", "state", "size"], [*rows, ["all", "", _bytes(sum(sizes))]], words=2)
    if not options.delete:
        say("nothing was removed: --delete does it")
        return
    for d in doomed:
        remove(d.run, d.path)
    say(f"removed {len(doomed)}: {_bytes(sum(sizes))}")


class Doomed(NamedTuple):
    """A folder that is to go, the run it belongs to, and how that stands."""

    run: Path
    path: Path
    state: str


def _chosen(options: Pruning) -> list[Entry]:
    o, states = options, ENDED if options.states is None else tuple(options.states.split(","))
    for state in states:
        if state not in ENDED:
            raise unknown("state", state, ENDED)
    if o.keep_best is None and o.older_than is None and o.states is None and not o.checkpoints:
        raise InputError("say which runs can go: --keep-best N, --older-than DAYS, --states crashed, or --checkpoints")
    for name, value in (("keep-best", o.keep_best), ("older-than", o.older_than)):
        if value is not None and value < 0:
            raise InputError(f"--{name} {value}: give zero or more")
    return chosen(find(o.folder), keep_best=o.keep_best, older_than=o.older_than, states=states)


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _time(seconds: float | None) -> str:
    if seconds is None:
        return NONE
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} m {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} m"


def _day(at: datetime | None) -> str:
    """The local time; the year in place of the hour where it is another one."""
    if at is None:
        return NONE
    here = at.astimezone()
    return f"{here:%d %b %H:%M}" if here.year == datetime.now().astimezone().year else f"{here:%d %b %Y}"


def _bytes(n: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if n < 1000:
            return f"{n:.0f} {unit}" if unit == "B" else f"{n:.1f} {unit}"
        n /= 1000
    return f"{n:.1f} TB"
