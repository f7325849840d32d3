"""Which runs can go, what they hold, and how to remove them so that nothing half-removed looks whole.

What is removed is first renamed to a hidden name, which nothing reads; what a killed removal leaves is found again.
"""

import os
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from likeness.errors import InputError
from likeness.run.lock import lock
from likeness.run.registry import Entry

ENDED = ("finished", "stopped", "crashed")  # a running run is never removed, a damaged one only by hand
REMAINS = ".likeness-pruned"


def chosen(
    runs: Sequence[Entry],
    *,
    keep_best: int | None = None,
    older_than: float | None = None,
    states: Sequence[str] = ENDED,
    now: datetime | None = None,
) -> list[Entry]:
    """The runs that have ended and meet every condition.

    Args:
        keep_best: not one of so many best. Only scores of one metric, in one space, on the same data are compared;
            a run without a score is never chosen by it.
        older_than: begun more than so many days ago; a run that does not say when it began is never chosen by it.
        states: in one of these states.
        now: the time by which runs are old.
    """
    found = [r for r in runs if r.state in states and r.state in ENDED]
    if keep_best is not None:
        worse = [r.folder for group in _groups(runs) for r in group[keep_best:]]
        found = [r for r in found if r.folder in worse]
    if older_than is not None:
        limit = (now or datetime.now(UTC)) - timedelta(days=older_than)
        found = [r for r in found if r.begun is not None and r.begun < limit]
    return found


def _groups(runs: Sequence[Entry]) -> list[list[Entry]]:
    """Runs whose scores can be compared, the best first."""
    groups: dict[tuple[object, ...], list[Entry]] = {}
    for run in runs:
        if run.score is not None:
            key = run.metric, run.fingerprint or run.data, run.settings.get("features")
            groups.setdefault(key, []).append(run)
    return [sorted(group, key=lambda r: r.score or 0.0) for group in groups.values()]


def training_state(run: Entry) -> Path | None:
    """What a run needs only to be resumed, if it has it; its weights are elsewhere."""
    path = run.folder / "state"
    return path if path.is_dir() and not path.is_symlink() else None


def remains(root: Path) -> list[Path]:
    """What removals that were cut short have left at or below a folder."""
    found = []
    for here, below, _ in os.walk(root):
        found += [Path(here) / name for name in below if _removed(Path(here) / name)]
        below[:] = [name for name in below if not name.startswith(".")]
    return sorted(found)


def _removed(path: Path) -> bool:
    return path.name.startswith(".") and path.name.endswith(REMAINS) and not path.is_symlink()


def size(path: Path) -> int:
    """Bytes of the files in a folder; links count as links."""
    places = (Path(here) / name for here, _, names in os.walk(path) for name in names)
    return sum(place.lstat().st_size for place in places)


def remove(run: Path, path: Path) -> None:
    """Remove a run, or a folder in it; or what is left of either.

    Raises:
        InputError: a process trains the run, or the files cannot be removed.
    """
    hidden = path if _removed(path) else path.with_name(f".{path.name}{REMAINS}")
    try:
        if path != hidden:
            with lock(run):
                path.rename(hidden)
        shutil.rmtree(hidden)
    except OSError as error:
        raise InputError(f"cannot remove {path} ({error.strerror or error}): check who owns it") from None
