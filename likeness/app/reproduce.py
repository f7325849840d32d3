"""`likeness reproduce NAME`: run a card over seeds and hold it against the claim; exit code 1 when it fails."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from likeness.app.console import progress, say, table, threads
from likeness.errors import InputError
from likeness.files import write_json
from likeness.papers.card import Numbers, Outcome, Scale, card, measured, names, verdict
from likeness.papers.page import cells, grid, record


@dataclass(frozen=True)
class Options:
    """Run a card and hold it against the paper's claim."""

    name: Annotated[str | None, tyro.conf.Positional] = None
    """The card; `likeness papers` lists them."""
    all: bool = False
    """Run every card."""
    seeds: int | None = None
    """How many seeds, counted from --first-seed: 3 if not given, 1 with --quick."""
    first_seed: int = 0
    """The first seed."""
    quick: bool = False
    """The small budget of continuous integration; short for --scale quick."""
    scale: Scale = "laptop"
    """quick: seconds; laptop: minutes on two cores; gpu: the paper's size."""
    jobs: int | None = None
    """Seeds, of all cards, to run side by side, each in a process of its own; as many as there are processors if not
    given."""
    threads: int | None = None
    """Processor threads, for a single job."""
    record: Path | None = None
    """Folder to record the outcome in (docs/results is the project's)."""
    json: Path | None = None
    """Write the outcome to this file."""


def run(options: Options) -> int:
    threads(options.threads)
    if options.all == (options.name is not None):
        raise InputError(f"give the name of one card, or --all: the cards are {', '.join(names())}")
    chosen = names() if options.all else [card(options.name or "").name]
    outcomes = dict(_outcomes(chosen, options))
    if options.json is not None:
        values = [outcomes[name].to_json() for name in chosen]
        write_json(options.json, values if options.all else values[0])
    return 0 if all(o.passed for o in outcomes.values()) else 1


def _outcomes(chosen: Sequence[str], options: Options) -> Iterator[tuple[str, Outcome]]:
    """Of each card, shown as soon as all of its seeds are there."""
    scale: Scale = "quick" if options.quick else options.scale
    count = options.seeds if options.seeds is not None else 1 if scale == "quick" else 3
    work = [(name, options.first_seed + i) for name in chosen for i in range(count)]
    jobs = options.jobs or (1 if scale == "gpu" else max(1, min(len(work), os.cpu_count() or 1)))
    known: dict[str, dict[int, Numbers]] = {name: {} for name in chosen}
    seconds = dict.fromkeys(chosen, 0.0)
    with progress(f"{chosen[0] if len(chosen) == 1 else 'cards'}, {scale}", len(work)) as bar:
        for at, piece in enumerate(measured(work, scale, jobs), 1):
            known[piece.card][piece.seed] = piece.numbers
            seconds[piece.card] += piece.seconds
            bar.update(at, f"{piece.card}, seed {piece.seed}")
            if len(known[piece.card]) == count:
                outcome = verdict(card(piece.card), scale, known[piece.card], seconds[piece.card])
                _show(outcome)
                if options.record is not None:
                    say(f"recorded in {record(options.record, outcome.to_json())}")
                yield piece.card, outcome


def _show(outcome: Outcome) -> None:
    told = card(outcome.card)
    if told.grid is not None:
        table(*grid(told.grid, outcome.numbers), title=told.title)
    table(["quantity", "published", "baseline", "ours", "holds"], map(cells, outcome.rows), title=told.title)
    seeds = ", ".join(map(str, outcome.seeds))
    verdict = "every claim that must hold does" if outcome.passed else "a claim that must hold DOES NOT"
    say(f"{told.name}: {verdict} (seeds {seeds}; {outcome.seconds:.0f} s). {told.about}")
