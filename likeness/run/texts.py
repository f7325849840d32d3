"""The part of a report that shows texts: as they are, escaped; with bits and a table of what they repeat."""

from collections.abc import Mapping
from html import escape
from typing import Any

from likeness.run.markup import facts, number
from likeness.run.words import SUBJECTS, plain

COLUMNS = {
    "temperature": "temperature (0: greedy)",
    "repeated": "repeated 20-grams",
    "longest": "longest repeat",
    "distinct": "distinct 3-grams",
    "copied": "20-grams of the training text",
}


def texts(report: Mapping[str, Any]) -> str:
    """Nothing where the report has no texts."""
    if not report.get("texts"):
        return ""
    body = facts((report.get("bits") or {}).items(), lambda key: f"bits {key}")
    for name, found in report["texts"].items():
        body += f"<h3>{escape(SUBJECTS.get(name, plain(name)))}</h3>"
        body += "".join(f'<pre class="user" style="white-space: pre-wrap">{escape(text)}</pre>' for text in found)
    rows = report.get("repetition") or []
    if rows:
        head = "".join(f"<th>{escape(COLUMNS[key])}</th>" for key in COLUMNS)
        lines = "".join("<tr>" + "".join(f"<td>{number(row[key])}</td>" for key in COLUMNS) + "</tr>" for row in rows)
        body += f"<h3>What draws repeat (means of 8)</h3><table><tr>{head}</tr>{lines}</table>"
    return body
