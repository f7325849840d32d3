"""`likeness papers`: the cards there are, and the page of results made from their records."""

from dataclasses import dataclass
from pathlib import Path

from likeness.app.console import say, table
from likeness.files import replacing
from likeness.papers.card import card, names
from likeness.papers.page import page


@dataclass(frozen=True)
class Options:
    """List the cards; with --page, write the page of results."""

    page: Path | None = None
    """Write the page of results (Markdown) to this file."""
    records: Path = Path("docs/results")
    """Folder of the records that `reproduce --record` wrote."""


def run(options: Options) -> None:
    if options.page is None:
        table(["card", "paper", "claims"], ([name, card(name).title, str(len(card(name).claims))] for name in names()))
        return
    with replacing(options.page) as beside:
        beside.write_text(page(options.records), encoding="utf-8")
    say(f"wrote {options.page}")
