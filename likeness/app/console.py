"""What the command line shows while it works: progress with rate and time left, tables, findings in words."""

import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from likeness.allocation import keep_freed
from likeness.errors import InputError
from likeness.findings import Finding
from likeness.subnormals import flush

console = Console(stderr=True, highlight=False)


class Bar:
    """A progress bar on a terminal; a plain line now and then where the output is a file."""

    def __init__(self, what: str, total: int | None, progress: Progress | None) -> None:
        self.what, self.total, self.progress = what, total, progress
        self.began = self.said = time.monotonic()
        self.base = 0
        self.task = progress.add_task(what, total=total, facts="", rate="") if progress else None

    def stage(self, done: int, total: int, what: str) -> None:
        """One of several stages of unlike length: what is being done, and how far it is."""
        if total != self.total:
            self.began, self.base = time.monotonic(), done
        self.update(done, what, total=total)

    def update(self, done: int, facts: str = "", *, total: int | None = None) -> None:
        """So many pieces are done; `facts` are shown beside the bar."""
        now, self.total = time.monotonic(), self.total if total is None else total
        pace = (done - self.base) / max(now - self.began, 0.1)
        rate = f"{pace:.1f}/s"
        if self.progress is not None and self.task is not None:
            self.progress.update(self.task, completed=done, total=self.total, facts=facts, rate=rate)
        elif now - self.said > 10 and not console.quiet:
            self.said = now
            left = (self.total - done) / pace if self.total and pace else 0.0
            print(f"{self.what}: {done}/{self.total or '?'} {rate}, {left:.0f} s left  {facts}", file=sys.stderr)


@contextmanager
def quiet(on: bool) -> Iterator[None]:
    """Say nothing: for processes that work for another one, which speaks."""
    before, console.quiet = console.quiet, on or console.quiet
    try:
        yield
    finally:
        console.quiet = before


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Bar]:
    """A bar for `total` pieces of work (None: unknown); it leaves one line when done."""
    if not console.is_terminal or console.quiet:
        yield Bar(what, total, None)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[facts]}"),
    )
    with Progress(*columns, console=console) as shown:
        yield Bar(what, total, shown)


@contextmanager
def working(what: str) -> Iterator[None]:
    """Says what is being done where no count of pieces is known, and how long it took."""
    began = time.monotonic()
    if console.is_terminal:
        with console.status(what):
            yield
    else:
        yield
    say(f"{what}: {time.monotonic() - began:.1f} s")


def say(text: str) -> None:
    """One line for the person, apart from the output that a program may read."""
    console.print(text, markup=False, soft_wrap=True)


def warn(findings: Iterable[Finding]) -> None:
    """Each finding once, as a sentence."""
    for finding in dict.fromkeys(findings):
        console.print(f"! {finding}", style="yellow", markup=False, soft_wrap=True)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], title: str | None = None, *, words: int = 1) -> None:
    """A table on standard output; the first columns are words, the others are numbers.

    On a terminal that is too narrow it goes without its frame, and the first column is folded.
    """
    if console.quiet:
        return
    made = Table(title=title, title_justify="left", header_style="bold")
    for i, column in enumerate(columns):
        made.add_column(column, justify="left" if i < words else "right", no_wrap=i > 0, overflow="fold")
    for row in rows:
        made.add_row(*row)
    out = Console(highlight=False)
    if not out.is_terminal:
        out.width = 200
    elif Measurement.get(out, out.options.update(max_width=10_000), made).maximum > out.width:
        made.box, made.show_edge, made.pad_edge, made.padding = SIMPLE_HEAD, False, False, (0, 1, 0, 0)
        made.columns[0].min_width = 10
    out.print(made)


def device(name: str) -> str:
    """The device to work on; "auto" takes a GPU where there is one.

    Raises:
        InputError: the device does not exist here.
    """
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"device {name!r} cannot be used ({reason}): use --device cpu or auto") from None
    return name


def threads(n: int | None) -> None:
    """How many processor threads torch may use, None keeps torch's own choice; none of them loses time on subnormals.

    What the process frees it keeps.

    Raises:
        InputError: below one.
    """
    flush()
    keep_freed()
    if n is None:
        return
    if n < 1:
        raise InputError(f"threads {n}: use one or more (there are {os.cpu_count()} processors)")
    torch.set_num_threads(n)
