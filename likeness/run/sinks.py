"""Where the course of a run is shown besides its own folder: one small interface, and the table of those who have it.

A sink is a module with two names: `check()`, which raises InputError where nothing can be sent (a package is missing,
nobody answers at the address), and `begin(start) -> Sink`. Its packages are imported when one of them is called.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

from likeness.errors import InputError, unknown
from likeness.files import read_json, write_json

SINKS = {
    "tensorboard": "likeness.run.to_tensorboard",
    "mlflow": "likeness.run.to_mlflow",
    "wandb": "likeness.run.to_wandb",
}
NOTHING = "none"


class Record(NamedTuple):
    """One line of the metrics of a run. `at` is the time of day in seconds; it dates a record and orders nothing."""

    kind: str
    iteration: int
    at: float
    values: Mapping[str, Any]

    @property
    def numbers(self) -> dict[str, float]:
        """Its numbers, named `kind/name`; the value of a metric goes by the name of the metric."""
        metric = self.values.get("metric")
        found = {}
        for name, value in self.values.items():
            if isinstance(value, int | float):
                own = name if metric is None else str(metric) if name == "value" else f"{metric}_{name}"
                found[f"{self.kind}/{own}"] = float(value)
        return found

    @property
    def words(self) -> dict[str, str]:
        """What it says in words, named `finding/code`: a finding, or nothing."""
        v = self.values
        if self.kind != "finding":
            return {}
        return {f"finding/{v['code']}": f"step {self.iteration}: {v['saw']} {v['remedy']}".strip()}


class Start(NamedTuple):
    """What a sink is told of a run: folder, name, settings, and the step from which it goes on, where it does."""

    folder: Path
    name: str
    settings: Mapping[str, Any]
    resumed_at: int | None


@runtime_checkable
class Sink(Protocol):
    """Somewhere records are shown. `where` names it for a person, with no password in it."""

    where: str

    def write(self, records: Sequence[Record]) -> None:
        """Send all of them, oldest first. What was sent in part is sent again after an error."""

    def close(self, failed: bool) -> None:
        """The training has ended, or failed."""


def check(names: Iterable[str]) -> None:
    """Raises InputError where one of the sinks is unknown, lacks its package, or cannot be reached."""
    for name in names:
        if name not in (*SINKS, NOTHING):
            raise unknown("tracking", name, [*SINKS, NOTHING])
    for name in names:
        if name != NOTHING:
            import_module(SINKS[name]).check()


def begin(names: Iterable[str], start: Start) -> list[Sink]:
    """The sinks of these names, ready to be written to.

    Raises:
        InputError: as `check`; or a run that should go on is unknown there.
    """
    check(names)
    return [import_module(SINKS[name]).begin(start) for name in dict.fromkeys(names) if name != NOTHING]


def lacks(package: str) -> InputError:
    """The error for a sink whose package is not installed."""
    return InputError(f"tracking with {package} needs its package: pip install 'likeness[{package}]'")


def known_run(folder: Path, sink: str, where: str) -> str | None:
    """The name that the run of this folder has at a sink; None where it has none there."""
    kept = _kept(folder).get(sink, {})
    return kept.get("run") if kept.get("where") == where else None


def keep_run(folder: Path, sink: str, where: str, run: str) -> None:
    """Remember what the run of this folder is called at a sink."""
    write_json(folder / "tracking.json", _kept(folder) | {sink: {"where": where, "run": run}})


def _kept(folder: Path) -> dict[str, Any]:
    path = folder / "tracking.json"
    return read_json(path) if path.is_file() else {}


def setting(name: str, value: str) -> None:
    """A setting of somebody's package, where the person has not chosen one."""
    os.environ.setdefault(name, value)
