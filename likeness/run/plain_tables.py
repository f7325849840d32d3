"""The part of a report with what else a recipe measured: tables of rows, as they are, escaped."""

from collections.abc import Mapping
from html import escape
from typing import Any

from likeness.run.markup import anything


def tables(report: Mapping[str, Any]) -> str:
    """Nothing where the report has none; the columns are those of the first row."""
    body = ""
    for title, rows in (report.get("tables") or {}).items():
        if rows:
            head = "".join(f"<th>{escape(key)}</th>" for key in rows[0])
            lines = "".join(
                "<tr>" + "".join(f"<td>{anything(row.get(k))}</td>" for k in rows[0]) + "</tr>" for row in rows
            )
            body += f"<h3>{escape(title)}</h3><table><tr>{head}</tr>{lines}</table>"
    return body
