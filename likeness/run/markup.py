"""Pieces of HTML: numbers that carry their exact value, intervals, lists of facts. All text is escaped."""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from html import escape
from importlib.resources import files
from typing import Any

ABSENT = '<span class="absent" title="not set, or not a finite number">–</span>'
FINGERPRINT = re.compile(r"[0-9a-fA-F]{24,}")


def is_number(value: object) -> bool:
    """True for a finite number (a truth value is none)."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def decimals(*values: int | float) -> int:
    """The decimals that give the largest of the values three digits."""
    largest = max(map(abs, values))
    return max(0, 2 - math.floor(math.log10(largest))) if largest else 0


def shown(value: int | float, places: int | None = None) -> str:
    """A number for the eye: whole and short ones as they are, others with three digits or `places` decimals."""
    if isinstance(value, int):
        text = f"{value:,}"
    elif places is None and len(repr(value)) <= 6 and "e" not in repr(value):
        text = repr(value)
    elif places is None and value and not 1e-3 <= abs(value) < 1e9:
        mantissa, power = f"{value:.2e}".split("e")
        text = f"{mantissa} × 10<sup>{int(power)}</sup>"
    else:
        text = f"{value:,.{decimals(value) if places is None else places}f}"
    return text.replace(",", "\u202f").replace("-", "−")


def number(value: object, places: int | None = None) -> str:
    """A `<data>` element with the exact value of the JSON, or a dash for what is not a finite number."""
    if not is_number(value):
        return ABSENT
    return f'<data value="{value!r}" title="{value!r}">{shown(value, places)}</data>'  # type: ignore[arg-type]


def interval(low: object, high: object, places: int | None = None) -> str:
    """`[low, high]`, or nothing where neither end is known."""
    if not (is_number(low) or is_number(high)):
        return ""
    return f'<span class="interval">[{number(low, places)}, {number(high, places)}]</span>'


def estimate(row: Mapping[str, Any], places: int = 5) -> str:
    """The value of a row with its interval: three digits of the value, and at most `places` decimals in both."""
    keep = min(places, precision(row))
    return f"{number(row.get('value'), keep)} {interval(row.get('low'), row.get('high'), keep)}".strip()


def precision(row: Mapping[str, Any]) -> int:
    """The decimals that give the value of a row three digits: none for counts, those of the interval for a zero."""
    known = [row[key] for key in ("value", "low", "high") if is_number(row.get(key))]
    if all(v == int(v) for v in known):
        return 0
    return decimals(known[0]) if known[0] else decimals(*known)


def anything(value: object) -> str:
    """A value of the JSON as text: numbers exact behind, fingerprints short with the whole one behind."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if is_number(value):
        return number(value)
    if isinstance(value, list | tuple):
        return ", ".join(map(anything, value)) or "none"
    text = str(value)
    return FINGERPRINT.sub(_short, escape(text)) or "–"


def _short(match: re.Match[str]) -> str:
    return f'<code title="{match[0]}">{match[0][:10]}…</code>'


def flat(mapping: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of nested mappings, with their keys joined by a space."""
    for key, value in mapping.items():
        name = f"{prefix} {key}".strip()
        if isinstance(value, Mapping):
            yield from flat(value, name)
        else:
            yield name, value


def facts(pairs: Iterable[tuple[str, Any]], label: Callable[[str], str] = str) -> str:
    """A list of terms and values, or nothing where there is none; without `label` the keys stand as written."""
    rows = "".join(f"<div><dt>{escape(label(key))}</dt><dd>{anything(value)}</dd></div>" for key, value in pairs)
    kind = "facts literal" if label is str else "facts"
    return f'<dl class="{kind}">{rows}</dl>' if rows else ""


def section(anchor: str, title: str, body: str) -> str:
    """A titled part of the page; nothing where it has no body."""
    return f'<section id="{anchor}"><h2>{title}</h2>{body}</section>' if body else ""


def document(title: str, body: str) -> str:
    """A whole page that needs nothing but itself; `title` and `body` are HTML already."""
    style = files("likeness.run").joinpath("page.css").read_text(encoding="utf-8")
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"  # the browser, too, keeps to this page
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><title>{title}</title><style>{style}</style></head>\n'
        f"<body><main>{body}</main></body></html>\n"
    )
