"""A card: what a paper claims, what was published, what has to come out here, and the run that tells.

A card is a module of this room with one name, `CARD`. Its `measure(seed, scale)` does the whole experiment for one
seed and returns named numbers; its claims say which of them are shown, beside what, and what must hold over the
seeds. `measured` runs cards and seeds side by side in processes of their own, `verdict` says what holds and can fail.
"""

import multiprocessing
import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, Literal, NamedTuple

import torch

from likeness import __version__
from likeness.allocation import keep_freed
from likeness.errors import InputError, unknown
from likeness.subnormals import flush

Scale = Literal["quick", "laptop", "gpu"]
Numbers = Mapping[str, float]  # what one seed measured
Verdict = Callable[[Sequence[Numbers]], bool]  # given the numbers of every seed, whether a claim is true
SCALES: tuple[Scale, ...] = ("quick", "laptop", "gpu")
SHARED = {"card", "page"}  # files of this room that are no card, as are those whose name begins with _


@dataclass(frozen=True)
class Claim:
    """One row of a card.

    Attributes:
        quantity: what is measured, in words, with its unit.
        key: the name of our number in what `measure` returns.
        published: what the paper reports, as it does ("90 ± 2 %"); None where it gives no figure.
        baseline: the name of the number that ours is held against.
        holds: given the numbers of every seed, whether the claim is true; None for a row that only shows.
        scales: the scales at which the row must hold; at the others the verdict is shown and does not count.
    """

    quantity: str
    key: str
    published: str | None = None
    baseline: str | None = None
    holds: Verdict | None = None
    scales: tuple[Scale, ...] = ("laptop", "gpu")


@dataclass(frozen=True)
class Grid:
    """A table of many things by many measures, shown above the claims: the number `thing.measure` in each cell.

    Attributes:
        things, measures: the two halves of a number's name, with the words that stand for them.
    """

    things: Mapping[str, str]
    measures: Mapping[str, str]


@dataclass(frozen=True)
class Card:
    """A paper's story: see the module. `about` tells in a few sentences what is run and what to look for."""

    name: str
    title: str
    url: str
    about: str
    measure: Callable[[int, Scale], Numbers]
    claims: tuple[Claim, ...]
    grid: Grid | None = None


@dataclass(frozen=True)
class Outcome:
    """What a card gave: the numbers of each seed, the rows, and whether every row that must hold does."""

    card: str
    scale: Scale
    seeds: tuple[int, ...]
    seconds: float
    numbers: tuple[Numbers, ...]
    rows: tuple[dict[str, Any], ...]
    passed: bool

    def to_json(self) -> dict[str, Any]:
        return {
            "card": self.card,
            "passed": self.passed,
            "seeds": list(self.seeds),
            "seconds": round(self.seconds, 1),
            "rows": list(self.rows),
            "scale": self.scale,
            "numbers": [dict(n) for n in self.numbers],
            "versions": {"likeness": __version__, "torch": torch.__version__, "python": platform.python_version()},
            "machine": f"{platform.machine()}, {os.cpu_count()} processors, {_device()}",
            "date": datetime.now(UTC).date().isoformat(),
        }


def for_each(holds: Callable[[Numbers], bool], inside: Callable[[Numbers], bool] = lambda n: True) -> Verdict:
    """The verdict that it holds for each seed inside a regime; false where no seed is inside."""
    return lambda numbers: any(map(inside, numbers)) and all(holds(n) for n in numbers if inside(n))


def names() -> list[str]:
    """The cards there are: the modules of this room."""
    here = str(Path(__file__).parent)
    return sorted(m.name.replace("_", "-") for m in iter_modules([here]) if m.name not in SHARED and m.name[0] != "_")


def card(name: str) -> Card:
    """Raises InputError for a name that is no card."""
    if name not in names():
        raise unknown("card", name, names())
    return import_module(f"likeness.papers.{name.replace('-', '_')}").CARD


class Piece(NamedTuple):
    """What one seed of one card gave, and in how many seconds."""

    card: str
    seed: int
    numbers: Numbers
    seconds: float


def measured(work: Sequence[tuple[str, int]], scale: Scale, jobs: int) -> Iterator[Piece]:
    """The numbers of each card and seed as they come, `jobs` of them at a time in processes of their own.

    Raises:
        InputError: nothing to do, fewer than one job, or a name that is no card.
    """
    if not work or jobs < 1:
        raise InputError(f"{len(work)} seeds with {jobs} jobs: give one or more of each")
    for name in {name for name, _ in work}:
        card(name)
    if jobs == 1 or len(work) == 1:
        yield from (_measure(name, seed, scale) for name, seed in work)
        return
    share = max(1, (os.cpu_count() or 1) // jobs)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, _prepare, (share,)) as pool:
        for done in as_completed([pool.submit(_measure, name, seed, scale) for name, seed in work]):
            yield done.result()


def verdict(card: Card, scale: Scale, numbers: Mapping[int, Numbers], seconds: float) -> Outcome:
    """Hold the numbers of the seeds against the card's claims.

    What a smaller scale, or a data set that is not there, leaves out has no row, unless it is a claim that must hold.
    """
    seeds = tuple(sorted(numbers))
    each = tuple(numbers[s] for s in seeds)
    must = [scale in claim.scales and claim.holds is not None for claim in card.claims]
    known = [all(claim.key in n for n in each) for claim in card.claims]
    measured = [claim for claim, needed, there in zip(card.claims, must, known) if needed or there]
    rows = tuple(_row(claim, each, scale) for claim in measured)
    passed = all(row["holds"] for row in rows if row["must"])
    return Outcome(card.name, scale, seeds, seconds, each, rows, passed)


def _row(claim: Claim, numbers: Sequence[Numbers], scale: Scale) -> dict[str, Any]:
    holds = None if claim.holds is None else bool(claim.holds(numbers))
    baseline = None if claim.baseline is None else spread([n[claim.baseline] for n in numbers])["mean"]
    return {
        "quantity": claim.quantity,
        "published": claim.published,
        "baseline": baseline,
        "ours": spread([n[claim.key] for n in numbers]),
        "holds": holds,
        "must": holds is not None and scale in claim.scales,
    }


def spread(values: Sequence[float]) -> dict[str, float]:
    """The mean over the seeds, and the lowest and the highest of them."""
    return {"mean": sum(values) / len(values), "low": min(values), "high": max(values)}


def _prepare(threads: int) -> None:
    flush()
    keep_freed()
    torch.set_num_threads(threads)


def _measure(name: str, seed: int, scale: Scale) -> Piece:
    began = time.monotonic()
    torch.manual_seed(seed)
    numbers = {key: float(value) for key, value in card(name).measure(seed, scale).items()}
    return Piece(name, seed, numbers, time.monotonic() - began)


def _device() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "no accelerator"
