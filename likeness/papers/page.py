"""The page of results: made from the records that `reproduce --record` wrote, and from nothing else."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from likeness.files import read_json, write_json
from likeness.papers.card import SCALES, Grid, Numbers, card, names, spread


def place(folder: Path, outcome: dict[str, Any]) -> Path:
    """Where the record of a card at a scale is kept."""
    return folder / f"{outcome['card']}.{outcome['scale']}.json"


def record(folder: Path, outcome: dict[str, Any]) -> Path:
    """Write an outcome (its JSON) to its place; an earlier one of the same card and scale gives way."""
    path = place(folder, outcome)
    write_json(path, outcome)
    return path


def page(folder: Path) -> str:
    """All records below `folder` as Markdown, cards in order of their names."""
    parts = [
        "# Results",
        "",
        "Made by `likeness papers --page` from the records beside it; each says how to run it again.",
        "Ours is the mean over the seeds, with the lowest and the highest of them.",
    ]
    for name in names():
        for scale in SCALES:
            path = folder / f"{name}.{scale}.json"
            if path.exists():
                parts += ["", *_section(read_json(path))]
    return "\n".join(parts) + "\n"


def _section(outcome: dict[str, Any]) -> list[str]:
    told = card(outcome["card"])
    seeds = len(outcome["seeds"])
    head = f"## {told.name} ({outcome['scale']}): {'holds' if outcome['passed'] else 'DOES NOT HOLD'}"
    run = f"`likeness reproduce {told.name} --seeds {seeds} --scale {outcome['scale']}`"
    versions = ", ".join(f"{k} {v}" for k, v in outcome["versions"].items())
    how = f"{run} · {outcome['seconds']:.0f} s · {outcome['machine']} · {versions} · {outcome['date']}"
    whole = [] if told.grid is None else [*_table(*grid(told.grid, outcome["numbers"])), ""]
    rows = _table(["quantity", "published", "baseline", "ours", "holds"], map(cells, outcome["rows"]))
    return [head, "", f"[{told.title}]({told.url}). {told.about}", "", how, "", *whole, *rows]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [_line(head), "|" + "---|" * len(head), *map(_line, rows)]


def _line(row: Sequence[str]) -> str:
    return "| " + " | ".join(row) + " |"


def grid(grid: Grid, numbers: Sequence[Numbers]) -> tuple[list[str], list[list[str]]]:
    """The head and the rows of a card's grid, means over the seeds; a cell is empty where nothing was measured."""
    found = {key: number(spread([n[key] for n in numbers])["mean"]) for key in numbers[0]}
    rows = [[words, *(found.get(f"{k}.{m}", "") for m in grid.measures)] for k, words in grid.things.items()]
    return ["", *grid.measures.values()], [row for row in rows if any(row[1:])]


def cells(row: dict[str, Any]) -> tuple[str, str, str, str, str]:
    """A row of a card in words: quantity, published, baseline, ours with its spread, verdict."""
    ours = row["ours"]
    between = "" if ours["low"] == ours["high"] else f" [{number(ours['low'])}, {number(ours['high'])}]"
    verdict = (
        "" if row["holds"] is None else ("yes" if row["holds"] else "NO") + ("" if row["must"] else " (shown only)")
    )
    baseline = "" if row["baseline"] is None else number(row["baseline"])
    return row["quantity"], row["published"] or "", baseline, f"{number(ours['mean'])}{between}", verdict


def number(value: float) -> str:
    """Four digits that matter, no more."""
    return f"{value:.4g}"
