"""The scores of a report: the result in one sentence, and the table with intervals and baselines.

Only the file's own comparison (`verdict`, with `beyond_interval`) makes one subject better than another; two
values that merely differ are not marked.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from likeness.errors import unknown
from likeness.run.markup import anything, estimate, interval, is_number, precision
from likeness.run.words import BASELINES, BETTER, DETAILS, METRICS, SUBJECTS, baseline_words, metric_label

Report = Mapping[str, Any]
Cells = dict[tuple[str, str | None], Report]  # the rows of a subject by metric and baseline (None: itself)

OPENINGS = {
    "better": "Refined draws beat the raw ones beyond the interval",
    "worse": "Refining made the draws worse, beyond the interval",
    "same": "Refining made no difference beyond the interval",
}


def cells(report: Report) -> dict[str, Cells]:
    """Every score of the report, by subject."""
    subjects = (report.get("scores") or {}).items()
    return {s: {(row["metric"], row.get("baseline")): row for row in judged["scores"]} for s, judged in subjects}


def outcome(row: Report) -> str:
    """What refining did to a metric: better, worse or same.

    Raises:
        InputError: the direction of the metric is neither higher, lower nor one.
    """
    direction(row)
    if not (row.get("beyond_interval") and is_number(row.get("raw")) and is_number(row.get("refined"))):
        return "same"
    raw, refined = row["raw"], row["refined"]
    gain = {"higher": refined - raw, "lower": raw - refined, "one": abs(raw - 1) - abs(refined - 1)}[row["better"]]
    return "better" if gain > 0 else "worse"


def direction(row: Report) -> str:
    """Which way is better, in words with an arrow."""
    if row.get("better") not in BETTER:
        raise unknown("direction of a metric", row.get("better"), BETTER)
    return BETTER[row["better"]]


def verdict(report: Report) -> str:
    """The result in a sentence, then the other metrics.

    The sentence is about the share of high quality where the truth is known, else the metric that chose the checkpoint.
    """
    known, compared = cells(report), {row["metric"]: row for row in report.get("verdict") or []}
    own = dict.fromkeys(metric for rows in known.values() for metric, baseline in rows if baseline is None)
    if not (metrics := list(compared or own)):
        return ""
    best: str = (report.get("best") or {}).get("metric", "")
    chief = next((m for m in ("high_quality", best, "frechet") if m in metrics), metrics[0])
    if not compared:
        return f'<p class="verdict">{_placed(chief, known)}</p>'
    row = compared[chief]
    raw, refined = (
        estimate(known.get(name, {}).get((chief, None), {"value": row[name]})) for name in ("raw", "refined")
    )
    numbers = f"{escape(metric_label(chief))} {refined} refined against {raw} raw"
    words = f"{OPENINGS[outcome(row)]}: {numbers} ({direction(row)[2:]})."
    return f'<p class="verdict {outcome(row)}">{words}</p>{_others(compared, chief)}'


def _others(compared: Mapping[str, Report], chief: str) -> str:
    words = {"better": "Better", "worse": "Worse", "same": "No clear difference"}
    lines = []
    for kind, opening in words.items():
        if names := [escape(metric_label(m)) for m, row in compared.items() if m != chief and outcome(row) == kind]:
            lines.append(f"<b>{opening}:</b> {', '.join(names)}.")
    return f"<p>{' '.join(lines)}</p>" if lines else ""


def _placed(metric: str, known: Mapping[str, Cells]) -> str:
    """Where nothing was compared: the value, beside what real data and noise score."""
    subject, rows = next((s, rows) for s, rows in known.items() if (metric, None) in rows)
    row = rows[metric, None]
    ends = {baseline_words(name): other for (m, name), other in rows.items() if m == metric and name is not None}
    anchors = [key for key in (BASELINES["held-out"], BASELINES["noise"]) if key in ends]
    context = "; ".join(f"{' '.join(key).strip()} {estimate(ends[key])}" for key in anchors)
    own = f"{escape(metric_label(metric))} {estimate(row)} ({direction(row)[2:]})"
    sentence = f"The {escape(SUBJECTS.get(subject, subject))} score: {own}."
    return f"{sentence} For comparison: {context}." if context else sentence


def table(report: Report) -> str:
    """Rows are metrics; columns are the subjects, their difference, and the baselines of the reference."""
    known, compared = cells(report), {row["metric"]: row for row in report.get("verdict") or []}
    every: Cells = {}
    for rows in known.values():
        every = rows | every  # the baselines belong to the reference: the first subject's stand for all
    baselines = sorted({name for _, name in every if name is not None}, key=_rank)
    differs = any(interval(row.get("low"), row.get("high")) for row in compared.values())
    body = ""
    for metric in dict.fromkeys(metric for rows in known.values() for metric, _ in rows):
        own, row = [rows.get((metric, None)) for rows in known.values()], compared.get(metric)
        digits = [precision(score) for score in own if score]
        places = min(5, max(min(digits), max(digits) - 1)) if digits else 5  # alike in a row, two digits at least
        line = [_cell(score, places, _wins(subject, row)) for subject, score in zip(known, own)]
        if differs:
            line.append(f"<td>{interval(row.get('low'), row.get('high'), places) if row else ''}</td>")
        line += [_cell(every.get((metric, name)), places) for name in baselines]
        example = next(score for (m, _), score in every.items() if m == metric)
        body += f"<tr>{_row_head(metric, example)}{''.join(line)}</tr>"
    return _framed(list(known), baselines, differs, body) if body else ""


def _rank(baseline: str) -> tuple[int, str]:
    known, words = list(BASELINES.values()), baseline_words(baseline)
    return (known.index(words) if words in known else len(known), baseline)


def _framed(subjects: Sequence[str], baselines: Sequence[str], differs: bool, body: str) -> str:
    own = [(SUBJECTS.get(s, s), "") for s in subjects] + ([("refined − raw", "")] if differs else [])
    names = own + [baseline_words(name) for name in baselines]
    heads = "".join(f'<th scope="col">{escape(name)}<small>{escape(detail)}</small></th>' for name, detail in names)
    groups = f'<td></td><th scope="colgroup" colspan="{len(own)}">draws</th>'
    if baselines:
        groups += f'<th scope="colgroup" colspan="{len(baselines)}">for comparison, on the same reference</th>'
    caption = "Each value has its interval below." if 'class="interval"' in body else ""
    if differs:
        caption += " “refined − raw” is the interval of the difference; “better” is said only where it excludes zero."
    return (
        f'<div class="scroll" role="region" aria-label="scores" tabindex="0"><table><caption>{caption}</caption>'
        f'<thead><tr class="groups">{groups}</tr><tr><th scope="col">metric</th>{heads}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _wins(subject: str, row: Report | None) -> bool:
    return row is not None and {"refined": "better", "raw": "worse"}.get(subject) == outcome(row)


def _row_head(metric: str, row: Report) -> str:
    name = escape(metric_label(metric))
    name = f'<a href="#metric-{metric}">{name}</a>' if metric in METRICS else name
    return f'<th scope="row">{name}<small>{direction(row)}</small></th>'


def _cell(row: Report | None, places: int, wins: bool = False) -> str:
    if row is None:
        return "<td></td>"
    detail = row.get("detail") or {}
    beside = [form.format(anything(detail[key])) for key, form in DETAILS.items() if key in detail]
    notes = "".join(f"<small>{note}</small>" for note in beside)
    tag = ' <b class="tag">better</b>' if wins else ""
    return f"<td{' class=win' if wins else ''}>{estimate(row, places)}{notes}{tag}</td>"
