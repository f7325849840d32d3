"""The report of a run: one page that needs nothing but itself, and the JSON that every number in it comes from.

A report is a plain dictionary; a key that is absent or empty leaves its section out:

    likeness, title, created           version, name of the run, ISO time
    config, environment, seconds       flat facts
    data                               facts about the data set; `kind` is vectors, images or table
    curves      {name: [[iteration, value], …]}
    judged      [{iteration, metric, value, low, high}, …]      best {iteration, metric, value}
    scores      {subject: {scores: [{metric, value, low, high, better, baseline, detail}], …}}
                also warnings [{code, saw, remedy}] and protocol, nested facts
    verdict     [{metric, raw, refined, better, beyond_interval, low, high}], the ends of refined - raw
    tables      {title: [{column: value}, …]}, what else was measured
    refinement  facts; ratio holds brier, auc, ece and curve [[predicted, observed, n], …]
    texts       {subject: [text, …]}      bits {name: number}      repetition [{temperature, …}]
    pictures    {subject: path within the folder}
    drawn       what all draws are, where a model has two kinds: samples of p(x|z), or its means
    warnings    [{code, saw, remedy, from}]

`better` is everywhere the direction: higher, lower or one. `baseline` is null for the subject itself.
"""

import base64
import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from likeness.files import replacing, write_json
from likeness.run.charts import Series, calibration_chart, line_chart
from likeness.run.markup import document, facts, flat, is_number, number, section
from likeness.run.plain_tables import tables
from likeness.run.scoretable import Report, cells, table, verdict
from likeness.run.texts import texts
from likeness.run.words import METRICS, SOURCES, SUBJECTS, metric_label, plain


def write(report: Report, folder: Path) -> Path:
    """Write `report.json` and `report.html` into the folder and return the place of the page.

    Numbers that are not finite become null. The page is made before either file is touched.

    Raises:
        InputError: a direction is unknown; or the files cannot be written, and what was there before still stands.
    """
    page = render(report, folder)
    write_json(folder / "report.json", finite(report))
    with replacing(folder / "report.html") as beside:
        beside.write_text(page, encoding="utf-8")
    return folder / "report.html"


def finite(value: Any) -> Any:
    """The same value in plain types, with None for every number that JSON does not have."""
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    return [finite(item) for item in value] if isinstance(value, list | tuple) else value


def render(report: Report, folder: Path) -> str:
    """The page as HTML; pictures are read from the folder and embedded.

    Raises:
        InputError: the direction of a metric is neither higher, lower nor one.
    """
    report = finite(report)
    title = escape(str(report.get("title", "report")))
    parts = [
        _header(report, title),
        section("pictures", "What it draws" if report.get("scores") else "What it sees", _pictures(report, folder)),
        section("texts", "What it writes", texts(report)),
        section("scores", "How good the draws are", _drawn(report, table(report))),
        section("measured", "What else was measured" if report.get("scores") else "What was measured", tables(report)),
        section("warnings", "Warnings", _warnings(report)),
        section("training", "Training", _training(report)),
        section("refinement", "Refinement", _refinement(report.get("refinement") or {})),
        section("protocol", "How these numbers were made", _protocol(report)),
        section("settings", "Settings and environment", _settings(report)),
        section("glossary", "What each metric sees", _glossary(report)),
    ]
    return document(title, "".join(parts))


def _header(report: Report, title: str) -> str:
    made = str(report.get("created", "")).replace("T", " ").replace("Z", " UTC").replace("+00:00", " UTC")
    source = f"likeness {report.get('likeness', '')}".strip()
    line = " · ".join(f'<span class="user">{escape(part)}</span>' for part in (source, made) if part)
    alarm = '<p><a href="#warnings">There are warnings: read them before trusting the numbers.</a></p>'
    note = alarm if any(_by_source(report).values()) else ""
    return f'<header><h1>{title}</h1><p class="made">{line}</p>{verdict(report)}{note}</header>'


def _pictures(report: Report, folder: Path) -> str:
    data = report.get("data") or {}
    kind = "image" if data.get("kind") == "images" else "plot"
    wide = " wide" if kind == "plot" and math.prod(data.get("event", ())) > 2 else ""  # histograms side by side
    figures = []
    for name, path in (report.get("pictures") or {}).items():
        label, file = escape(SUBJECTS.get(name, plain(name))), folder / path
        if file.is_file():
            source = f"data:image/png;base64,{base64.b64encode(file.read_bytes()).decode()}"
            inside = f'<img class="{kind}" src="{source}" alt="a selection of the {label}">'
        else:
            inside = f'<p class="absent">The picture {escape(str(path))} was not found.</p>'
        figures.append(f"<figure><figcaption>{label}</figcaption>{inside}</figure>")
    return _drawn(report, f'<div class="pictures{wide}">{"".join(figures)}</div>') if figures else ""


def _drawn(report: Report, body: str) -> str:
    """Before figures and scores, what of the model they are of, where it has two kinds of draws."""
    said = report.get("drawn")
    return f"<p>Draws are {escape(said)}.</p>{body}" if said and body else body


def _by_source(report: Report) -> dict[str, list[Report]]:
    """The warnings of the run and of its judges, each once, under the stage that they come from."""
    found: dict[str, list[Report]] = {title: [] for title in SOURCES.values()}
    judged = {
        subject: {(w["code"], w["saw"]): w for w in scores.get("warnings") or []}
        for subject, scores in (report.get("scores") or {}).items()
    }
    for w in report.get("warnings") or []:
        if not any((w["code"], w["saw"]) in own for own in judged.values()):
            found.setdefault(SOURCES.get(w["from"], w["from"]), []).append(w)
    for key, w in {key: w for own in judged.values() for key, w in own.items()}.items():
        whose = [SUBJECTS.get(subject, subject) for subject, own in judged.items() if key in own]
        title = SOURCES["judge"] if len(whose) == len(judged) else f"While judging the {' and '.join(whose)}"
        found.setdefault(title, []).append(w)
    return found


def _warnings(report: Report) -> str:
    body = ""
    for title, warnings in _by_source(report).items():
        items = "".join(
            f'<li class="user"><b>{escape(w["saw"])}</b> {escape(w["remedy"])} <code>{escape(w["code"])}</code></li>'
            for w in warnings
        )
        body += f"<h3>{escape(title)}</h3><ul>{items}</ul>" if items else ""
    return body or ("<p>None.</p>" if "warnings" in report else "")


def _training(report: Report) -> str:
    best = report.get("best") or {}
    judged: dict[str, list[Report]] = {}
    for row in report.get("judged") or []:
        if is_number(row["value"]):
            judged.setdefault(row["metric"], []).append(row)
    charts = "".join(_judged_chart(metric, rows, best) for metric, rows in judged.items())
    curves = [
        Series(name, *zip(*points))
        for name, values in (report.get("curves") or {}).items()
        if (points := [(i, v) for i, v in values if is_number(v)])
    ]
    charts += line_chart(curves, title="What was minimised", x="iteration", y="loss")
    kept = ""
    if best:
        metric = escape(metric_label(best["metric"]))
        kept = f"<p>Kept: iteration {number(best['iteration'])}, the best by {metric} ({number(best['value'])}).</p>"
    return kept + (f'<div class="charts">{charts}</div>' if charts else "")


def _judged_chart(metric: str, rows: Sequence[Report], best: Report) -> str:
    label = metric_label(metric)
    series = Series(label, [row["iteration"] for row in rows], [row["value"] for row in rows])
    if all(is_number(row.get(end)) for row in rows for end in ("low", "high")):
        series = series._replace(low=[row["low"] for row in rows], high=[row["high"] for row in rows])
    marked = best.get("metric") == metric and is_number(best["value"])
    at = (best["iteration"], best["value"]) if marked else None
    return line_chart([series], title=f"{label} while training", x="iteration", y=label, mark=at)


def _refinement(refinement: Report) -> str:
    ratio = refinement.get("ratio") or {}
    leaves = flat({k: v for k, v in refinement.items() if k != "ratio"})
    quality = ((key, value) for key, value in ratio.items() if key != "curve")
    curve = sorted((p, o, n) for p, o, n in ratio.get("curve") or [] if is_number(p) and is_number(o) and n > 0)
    chart = calibration_chart(
        curve,
        title="Is the density ratio calibrated on held-out samples?",
        x="predicted chance of being real",
        y="observed share of real",
    )
    body = facts([*leaves, *quality], plain) + (chart if curve else "")
    return f'<div class="charts">{body}</div>' if body else ""


def _protocol(report: Report) -> str:
    data = dict(report.get("data") or {})
    if "event" in data:
        data["event"] = " × ".join(map(str, data["event"]))
    if len(data.get("classes") or ()) > 20:
        data["classes"] = [*data["classes"][:20], "…"]
    body = f"<h3>Data</h3>{facts(data.items(), plain)}" if data else ""
    protocols = {s: dict(flat(j.get("protocol") or {})) for s, j in (report.get("scores") or {}).items()}
    if not any(protocols.values()):
        return body
    shared, *others = protocols.values()
    if all(other == shared for other in others):
        return f"{body}<h3>Protocol of the scores</h3>{facts(shared.items(), plain)}"
    keys = dict.fromkeys(key for protocol in protocols.values() for key in protocol)
    unlike = [k for k in keys if len({repr(p.get(k)) for p in protocols.values()}) > 1]
    body += f"<p><b>The subjects were judged by unlike protocols: they differ in {escape(', '.join(unlike))}.</b></p>"
    for subject, protocol in protocols.items():
        body += f"<h3>Protocol: {escape(SUBJECTS.get(subject, subject))}</h3>{facts(protocol.items(), plain)}"
    return body


def _settings(report: Report) -> str:
    titles = {"config": "Settings", "environment": "Environment", "seconds": "Time (s)"}
    lists = {title: facts(flat(report.get(key) or {})) for key, title in titles.items()}
    return "".join(f"<h3>{title}</h3>{body}" for title, body in lists.items() if body)


def _glossary(report: Report) -> str:
    used = [metric for rows in cells(report).values() for metric, _ in rows]
    used += [row["metric"] for row in report.get("judged") or []]
    entries = "".join(
        f'<div id="metric-{name}"><dt>{METRICS[name].label}</dt>'
        f"<dd><b>Sees</b> {METRICS[name].sees} <b>Does not see</b> {METRICS[name].misses}</dd></div>"
        for name in dict.fromkeys(used)
        if name in METRICS
    )
    return f'<dl class="glossary">{entries}</dl>' if entries else ""
