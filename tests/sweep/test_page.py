"""The page says what was found, how sure that is, and what every trial came to; it needs nothing but itself."""

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest

from likeness.sweep.page import render, write


def trial(number: int, score: float | None = None, state: str = "finished", **others: Any) -> dict[str, Any]:
    row = {
        "number": number,
        "state": state,
        "score": score,
        "scores": [] if score is None else [score],
        "spread": None,
        "seconds": 1.0 + number,
        "settings": {"lr_g": 1e-3 * (number + 1), "loss": "hinge" if number % 2 else "minimax"},
        "own": number == 0,
        "checkpoints": [],
        "folder": f"trial-{number:04d}",
        "worker": "host 1",
        "message": None,
        "again": None,
    }
    return row | others


def made(*trials: dict[str, Any], **others: Any) -> dict[str, Any]:
    about = {
        "likeness": "0.1.0",
        "created": "2026-01-01T00:00:00+00:00",
        "name": "first <sweep>",
        "recipe": "gan",
        "data": {"name": "grid25", "fingerprint": "0" * 64},
        "storage": "postgresql+psycopg://me@host/db",
        "metric": "frechet",
        "maximise": False,
        "asked": 4,
        "seeds": 1,
        "pruning": True,
        "search": {"lr_g": "0.0001:0.01:log", "loss": "hinge,minimax"},
        "settings": {"--steps": 500, "--search": "", "--lr-d": None},
        "best": 2,
        "own": 0,
        "importance": {"lr_g": 0.8, "loss": 0.2},
        "front": [0, 2],
        "trials": list(trials),
    }
    return about | others


TRIALS = (
    trial(0, 0.5),
    trial(1, state="failed", message="the term was nan"),
    trial(2, 0.25),
    trial(3, state="pruned", checkpoints=[(100, 2.5)]),
    trial(4, state="failed", message="its worker died", again=5),
)


def text(page: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", page))


def test_the_result_stands_first_with_what_to_compare_it_with() -> None:
    page = text(render(made(*TRIALS) | {"command": "likeness train gan --lr-g 0.003"}))
    assert "Best of 2 finished trials: Fréchet distance 0.250 (trial 2, lower is better)" in page
    assert "The recipe’s own settings scored 0.500 (trial 0)" in page
    assert "flatters itself" in page
    assert "likeness train gan --lr-g 0.003" in page


def test_every_trial_is_told_of() -> None:
    page = render(made(*TRIALS) | {"command": "x"})
    said = text(page)
    assert "pruned at step 100 (checkpoint’s Fréchet distance 2.5)" in said
    assert "failed, tried again as trial 5" in said
    assert "the term was nan (1)" in said
    rows = re.findall(r'<tr><th scope="row">(\d+)', page)
    assert rows == ["2", "0", "3", "1", "4"], "the best first"


def test_numbers_keep_their_exact_value() -> None:
    page = render(made(trial(0, 0.1 + 0.2), best=0) | {"command": "x"})
    assert 'value="0.30000000000000004"' in page


def test_the_best_so_far_never_gets_worse() -> None:
    scores = [0.5, 0.7, 0.25, 0.4]
    page = render(made(*(trial(i, s) for i, s in enumerate(scores))) | {"command": "x"})
    line = re.search(r'Every finished trial.*?<polyline class="line s1" points="([^"]+)"', page, re.S)
    assert line is not None
    heights = [float(p.split(",")[1]) for p in line[1].split()]
    assert heights == sorted(heights), "further down is better here"


@pytest.mark.parametrize("metric", ["coverage", "density", "frechet"])
def test_whatever_the_direction(metric: str) -> None:
    page = render(made(*TRIALS, metric=metric, maximise=metric == "coverage") | {"command": "x"})
    assert re.findall(r'<tr><th scope="row">(\d+)', page)[0] == ("2" if metric == "frechet" else "0")


def test_nothing_finished_is_said() -> None:
    page = text(render(made(TRIALS[1], best=None, own=None, importance={}, front=[]) | {"command": None}))
    assert "No trial has finished" in page


def test_it_needs_nothing_but_itself_and_escapes_all() -> None:
    page = render(made(*TRIALS, trial(6, state="failed", message="<script>x</script>")) | {"command": "a & b"})
    assert "<script" not in page
    assert "first &lt;sweep&gt;" in page
    assert not re.search(r'(src|href)="(?!#)', page)
    assert "default-src 'none'" in page


def test_the_same_numbers_are_in_the_json(tmp_path: Path) -> None:
    place = write(made(*TRIALS), "likeness train gan", tmp_path)
    assert place == tmp_path / "sweep.html"
    assert "Sweep first" in place.read_text()
    read = json.loads((tmp_path / "sweep.json").read_text())
    assert read["command"] == "likeness train gan"
    assert [r["number"] for r in read["trials"]] == [0, 1, 2, 3, 4]
