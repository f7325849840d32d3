"""`likeness compare`: scores of runs and files side by side; unlike protocols are refused, unlike likelihoods told."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from likeness.app.console import warn
from likeness.app.judge import show
from likeness.errors import InputError
from likeness.files import read_json, write_json
from likeness.judge.score import Scores, compare, unlike_kinds


@dataclass(frozen=True)
class Options:
    """Put scores side by side."""

    scores: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Files that `judge --json` wrote, or folders of runs with a report."""
    json: Path | None = None
    """Write the table to this file."""


def run(options: Options) -> None:
    if not options.scores:
        raise InputError("give files of scores or folders of runs")
    subjects: dict[str, Scores] = {}
    for path in options.scores:
        subjects |= _read(path)
    rows = compare(subjects)
    show(rows)
    warn(unlike_kinds(subjects))
    if options.json is not None:
        values = {name: scores.as_dict() for name, scores in subjects.items()}
        write_json(options.json, values)


def _read(path: Path) -> dict[str, Scores]:
    if not path.is_dir():
        return {path.stem: Scores.from_dict(read_json(path))}
    if not (path / "report.json").is_file():
        raise InputError(f"{path} has no report.json: its training did not end; judge it with --json and compare that")
    found = read_json(path / "report.json").get("scores", {})
    return {f"{path.name} {name}": Scores.from_dict(made) for name, made in found.items()}
