"""The part of a report with what else a recipe measured: tables of rows, as they are, escaped."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from likeness.run.markup import anything


def tables(report: Mapping[str, Any]) -> str:
    """Nothing where the report has none; the columns are those of the first row."""
    parts = [f"<h3>{escape(title)}</h3>{_table(rows)}" for title, rows in (report.get("tables") or {}).items() if rows]
    return "".join(parts)


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Words stand at the left of their column, numbers at the right."""
    kind = {k: ' class="words"' if any(isinstance(row.get(k), str) for row in rows) else "" for k in rows[0]}
    head = "".join(f"<th{c}>{escape(key)}</th>" for key, c in kind.items())
    lines = ["".join(f"<td{c}>{anything(row.get(k))}</td>" for k, c in kind.items()) for row in rows]
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"
