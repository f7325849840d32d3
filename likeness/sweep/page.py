"""The report of a sweep: the best settings as a command, what they gain, what they cost, and every trial."""

import re
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Any

from likeness.files import replacing, write_json
from likeness.judge.score import METRICS as DIRECTIONS
from likeness.run.markup import ABSENT, anything, document, estimate, facts, is_number, number, section
from likeness.run.report import finite
from likeness.run.words import BETTER, METRICS, metric_label
from likeness.sweep.charts import Axis, Dot, bars, scatter, strip
from likeness.sweep.summary import failures

Row = dict[str, Any]
ORDER = ("finished", "pruned", "running", "waiting", "failed")


def write(made: Row, best: str | None, folder: Path) -> Path:
    """Write `sweep.json` and `sweep.html`; the place of the page.

    Args:
        made: a `summary`.
        best: the command that trains with the best settings.
    """
    made = finite(made | {"command": best})
    page = render(made)
    write_json(folder / "sweep.json", made)
    with replacing(folder / "sweep.html") as beside:
        beside.write_text(page, encoding="utf-8")
    return folder / "sweep.html"


def render(made: Row) -> str:
    """The page as HTML."""
    title = escape(f"Sweep {made['name']}")
    line = f"likeness {made['likeness']} · {made['created'].replace('T', ' ').replace('+00:00', ' UTC')}"
    head = f'<header><h1>{title}</h1><p class="made">{escape(line)}</p>{_verdict(made)}</header>'
    parts = [
        section("best", "The best settings", _best(made)),
        section("history", "How it came about, and what it costs", _grid([_history(made), _tradeoff(made)])),
        section("slices", "What each setting does", _grid([_importance(made), *_slices(made)])),
        section("trials", "Trials", _table(made)),
        section("failures", "Why trials failed", _failures(made)),
        section("settings", "What was searched, and how", _settings(made)),
        section("glossary", "What the score sees", _glossary(made["metric"])),
    ]
    return document(title, head + "".join(parts))


def _done(made: Row) -> list[Row]:
    return [r for r in made["trials"] if r["state"] == "finished" and is_number(r["score"])]


def _trial(made: Row, which: str) -> Row | None:
    return next((r for r in made["trials"] if r["number"] == made[which]), None)


def _verdict(made: Row) -> str:
    best, own, label = _trial(made, "best"), _trial(made, "own"), escape(metric_label(made["metric"]))
    if best is None:
        return '<p class="verdict worse">No trial has finished: there is nothing to compare yet.</p>'
    words = f"Best of {len(_done(made))} finished trials: {label} {_score(best)} (trial {best['number']}"
    words += f", {BETTER[DIRECTIONS[made['metric']]][2:]})."
    if own is None:
        return f'<p class="verdict">{words}</p>{_caution(made)}'
    if own["number"] == best["number"]:
        words += " These are the recipe’s own settings: no other trial did better."
        return f'<p class="verdict">{words}</p>{_caution(made)}'
    words += f" The recipe’s own settings scored {_score(own)} (trial {own['number']})."
    return f'<p class="verdict">{words}</p>{_caution(made)}'


def _caution(made: Row) -> str:
    n = made["seeds"]
    each = "one training each" if n == 1 else f"the means of {n} trainings each"
    return (
        f"<p>Scores are {each}, on validation data. The best of many noisy scores flatters itself: before you rely on "
        "it, train with these settings and with the recipe’s own under new seeds, and let the test data judge "
        "both.</p>"
    )


def _score(r: Row) -> str:
    spread = f' <span class="interval">± {number(r["spread"], None)}</span>' if is_number(r["spread"]) else ""
    return estimate({"value": r["score"]}) + spread


def _best(made: Row) -> str:
    best = _trial(made, "best")
    if best is None or not made["command"]:
        return ""
    place = f"<p>Its run is in <code>{escape(str(best['folder']))}</code>. To train with its settings:</p>"
    line = re.sub(r"(--\S+( (?!--)\S+)?)", r"<span>\1</span>", escape(made["command"]))  # no break within an option
    return f"{place}<pre>{line}</pre>{facts(best['settings'].items())}"


def _grid(charts: Iterable[str]) -> str:
    body = "".join(charts)
    return f'<div class="charts">{body}</div>' if body else ""


def _axis(made: Row) -> Axis:
    """By ratios where less is better: what matters is how near zero it comes. A share is better seen as it is."""
    return Axis(metric_label(made["metric"]), log=DIRECTIONS[made["metric"]] == "lower")


def _history(made: Row) -> str:
    done = sorted(_done(made), key=lambda r: r["number"])
    line: list[tuple[float, float]] = []
    for r in done:
        best = r["score"] if not line else _better(made, line[-1][1], r["score"])
        line += [(r["number"], line[-1][1]), (r["number"], best)] if line else [(r["number"], best)]
    dots = [Dot(r["number"], r["score"], r["number"], 2 if r["own"] else 0) for r in done]
    keys = [("s0 dot", "trial"), ("s1", "best so far")]
    keys += [("s2 dot", "the recipe’s own settings")] if any(r["own"] for r in done) else []
    title = "Every finished trial, and the best so far"
    return scatter(dots, title=title, x=Axis("trial"), y=_axis(made), best=made["best"], line=line, keys=keys)


def _better(made: Row, a: float, b: float) -> float:
    if DIRECTIONS[made["metric"]] == "one":
        return min(a, b, key=lambda v: abs(v - 1))
    return max(a, b) if made["maximise"] else min(a, b)


def _importance(made: Row) -> str:
    return bars(made["importance"], title="Share of each setting in what makes good trials good")


def _tradeoff(made: Row) -> str:
    done = [r for r in _done(made) if is_number(r["seconds"])]
    ahead = [r for number in made["front"] for r in done if r["number"] == number]
    dots = [Dot(r["seconds"], r["score"], r["number"], 1 if r in ahead else 0) for r in done]
    keys = [("s0 dot", "trial"), ("s1 dot", "no other is both better and quicker")]
    return scatter(
        dots,
        title="Score against time",
        x=Axis("seconds of one training"),
        y=_axis(made),
        best=made["best"],
        line=[(r["seconds"], r["score"]) for r in ahead],
        keys=keys,
    )


def _slices(made: Row) -> Iterable[str]:
    for name, words in made["search"].items():
        done = [r for r in _done(made) if name in r["settings"]]
        if ":" not in words:
            options = words.split(",")
            found = [(_word(r["settings"][name]), Dot(0, r["score"], r["number"])) for r in done]
            yield strip(options, found, title=_by(made, name), y=_axis(made), best=made["best"])
        else:
            dots = [Dot(r["settings"][name], r["score"], r["number"]) for r in done]
            log = words.endswith(":log")
            yield scatter(dots, title=_by(made, name), x=Axis(name, log), y=_axis(made), best=made["best"])


def _by(made: Row, name: str) -> str:
    return f"{metric_label(made['metric'])} by {name}"


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _table(made: Row) -> str:
    names = list(made["search"])
    heads = ["trial", metric_label(made["metric"]), *names, "seconds", "how it ended"]
    head = "".join(f'<th scope="col">{escape(h)}</th>' for h in heads[:-1])
    body = "".join(_line(made, r, names) for r in sorted(made["trials"], key=lambda r: _rank(made, r)))
    head = f'<thead><tr>{head}<th scope="col" class="words">{heads[-1]}</th></tr></thead>'
    table = f'<table class="trials"><caption>The best first.</caption>{head}<tbody>{body}</tbody></table>'
    return f'<div class="scroll" role="region" aria-label="trials" tabindex="0">{table}</div>'


def _rank(made: Row, r: Row) -> tuple[int, float, int]:
    score = r["score"] if is_number(r["score"]) else 0.0
    loss = abs(score - 1) if DIRECTIONS[made["metric"]] == "one" else -score if made["maximise"] else score
    return ORDER.index(r["state"]), loss, r["number"]


def _line(made: Row, r: Row, names: list[str]) -> str:
    win = " class=win" if r["number"] == made["best"] else ""
    score = f"<td{win}>{_score(r) if is_number(r['score']) else ABSENT}</td>"
    cells = "".join(f"<td>{anything(r['settings'].get(name))}</td>" for name in names)
    own = "<small>the recipe’s own settings</small>" if r["own"] else ""
    seconds = f"<td>{number(r['seconds'], 1)}</td>"
    return f'<tr><th scope="row">{r["number"]}{own}</th>{score}{cells}{seconds}<td class="words">{_end(r)}</td></tr>'


def _end(r: Row) -> str:
    words = r["state"]
    if r["state"] == "pruned" and r["checkpoints"]:
        step, value = r["checkpoints"][-1]
        words += f" at step {step} (checkpoint’s Fréchet distance {value:.3g})"
    if r["again"] is not None:
        words += f", tried again as trial {r['again']}"
    return escape(words) + (f"<small>{escape(r['message'][:80])}</small>" if r["message"] else "")


def _failures(made: Row) -> str:
    items = "".join(f'<li class="user">{escape(m)} ({n})</li>' for m, n in failures(made["trials"]))
    return f"<ul>{items}</ul>" if items else ""


def _settings(made: Row) -> str:
    states = [r["state"] for r in made["trials"] if r["again"] is None]
    count = {state: states.count(state) for state in ORDER if state in states}
    about = {
        "recipe": made["recipe"],
        "data": made["data"]["name"],
        "fingerprint of the data": made["data"]["fingerprint"],
        "trials asked for": made["asked"],
        **count,
        "trainings of a trial": made["seeds"],
        "pruning": made["pruning"],
        "storage": made["storage"],
    }
    asked = {
        k: v for k, v in made["settings"].items() if v is not None and k not in ("--search", "--metric", "--seeds")
    }
    return (
        f"{facts(about.items())}<h3>Searched</h3>{facts(made['search'].items())}"
        f"<h3>The same in all trials</h3>{facts(asked.items())}"
    )


def _glossary(metric: str) -> str:
    if metric not in METRICS:
        return ""
    m = METRICS[metric]
    words = f"<dd><b>Sees</b> {m.sees} <b>Does not see</b> {m.misses}</dd>"
    return f'<dl class="glossary"><div><dt>{m.label}</dt>{words}</div></dl>'
