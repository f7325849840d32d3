"""The runs there are below a folder, and how each of them stands, told by their files alone.

running     a process trains it
finished    its last step is saved, or its report is written
stopped     it came to an end of its own before its last step
crashed     it came to no end, or failed
damaged     it cannot be read; the reason is told
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from likeness.errors import InputError
from likeness.files import read_json
from likeness.run.folder import open_run
from likeness.run.lock import locked
from likeness.run.track import records

STATES = ("running", "finished", "stopped", "crashed", "damaged")


@dataclass(frozen=True)
class Entry:
    """A run as it stands.

    Attributes:
        folder, name: where it is, and its path below the folder that was looked through.
        reason: why it is damaged.
        data, fingerprint: what it learned from.
        iteration, steps: the steps done, and to do.
        metric, score: its best judged score; the lowest is the best.
        seconds: the time it trained.
        begun: when it began, where its configuration says so.
    """

    folder: Path
    name: str
    state: str
    reason: str = ""
    recipe: str = ""
    data: str = ""
    fingerprint: str = ""
    iteration: int = 0
    steps: int | None = None
    metric: str = ""
    score: float | None = None
    seconds: float | None = None
    begun: datetime | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """In the types that JSON knows."""
        begun = None if self.begun is None else self.begun.isoformat()
        return asdict(self) | {"folder": str(self.folder), "begun": begun, "settings": dict(self.settings)}


def find(root: Path) -> list[Entry]:
    """Every run at or below `root`, by name. Links are not followed, hidden folders and runs not looked into.

    Raises:
        InputError: `root` is no folder.
    """
    if not root.is_dir():
        raise InputError(f"{root} is not a folder: give the one that holds your runs, or train first")
    return [entry(f, _name(f, root)) for f in sorted(_folders(root))]


def entry(folder: Path, name: str | None = None) -> Entry:
    """How the run in a folder stands; one that cannot be read is damaged, and says why."""
    name = name or folder.name
    try:
        return _entry(folder, name, open_run(folder).config)
    except InputError as error:
        return Entry(folder, name, "damaged", str(error))
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:  # JSON of another shape than a run's
        return Entry(folder, name, "damaged", f"{folder} cannot be read ({type(error).__name__}: {error})")


def looks_like_run(folder: Path) -> bool:
    """It has the configuration of a run, or one that cannot be read, or the records of one."""
    config = folder / "config.json"
    if (folder / "metrics.jsonl").is_file():
        return True
    if not config.is_file():
        return False
    try:
        found = read_json(config)
    except (InputError, OSError):
        return True
    return isinstance(found, dict) and {"recipe", "settings", "facts"} <= found.keys()


def _folders(root: Path) -> Iterator[Path]:
    for here, below, _ in os.walk(root):
        if looks_like_run(Path(here)):
            below.clear()
            yield Path(here)
        below[:] = [name for name in below if not name.startswith(".")]


def _name(folder: Path, root: Path) -> str:
    return folder.resolve().name if folder == root else str(folder.relative_to(root))


def _entry(folder: Path, name: str, config: Mapping[str, Any]) -> Entry:
    data, settings, course = config.get("data") or {}, config["settings"], records(folder)
    judged = [r for r in course if r["kind"] == "score" and isinstance(r.get("value"), int | float)]
    best = min(judged, key=lambda r: r["value"], default={})
    saved = _saved(folder)
    states = (int(p.name.removeprefix("step-")) for p in folder.glob("state/step-*"))
    iteration = max([saved, *states, *(r["iteration"] for r in course)])
    steps = settings.get("steps")
    return Entry(
        folder,
        name,
        _state(folder, course, iteration, done=steps is not None and saved >= steps),
        recipe=config["recipe"],
        data=data.get("name") or Path(settings["data"]).name,
        fingerprint=data.get("fingerprint", ""),
        iteration=iteration,
        steps=steps,
        metric=best.get("metric", ""),
        score=best.get("value"),
        seconds=course[-1].get("seconds") if course else None,
        begun=_time(config.get("begun")),
        settings=settings,
    )


def _state(folder: Path, course: list[dict[str, Any]], iteration: int, *, done: bool) -> str:
    if locked(folder):
        return "running"
    end = course[-1] if course and course[-1]["kind"] == "end" else None
    if end is not None and end.get("failed"):
        return "crashed"
    if done or _reported(folder) >= iteration:
        return "finished"
    return "crashed" if end is None else "stopped"


def _saved(folder: Path) -> int:
    """The step of the last weights that were saved."""
    path = folder / "checkpoints" / "last.safetensors"
    try:
        with safe_open(path, framework="np") as f:
            return int(json.loads((f.metadata() or {})["about"])["iteration"])
    except (SafetensorError, OSError, ValueError, LookupError):
        return 0


def _reported(folder: Path) -> int:
    """The last step that the report knows of; -1 without a report."""
    try:
        curves = read_json(folder / "report.json")["curves"]
        return max((curve[-1][0] for curve in curves.values()), default=0)
    except (InputError, OSError, LookupError, TypeError, AttributeError):
        return -1


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
