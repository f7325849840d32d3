"""The report of a run: every part of it from the run itself, and a verdict that follows from the intervals."""

import json
from dataclasses import replace

import pytest

from likeness.judge.features import raw
from likeness.judge.protocol import Protocol
from likeness.judge.score import Score, Scores
from likeness.recipes import outcome
from likeness.recipes.common import silent
from likeness.recipes.outcome import Outcome, course, difference, verdict
from likeness.recipes.refinement import Refinement

PROTOCOL = Protocol("r", 9, 9, "raw", "", "none", "float32", 5, 0)


def scores(value: float, half: float, better: str = "lower") -> Scores:
    return Scores((Score("frechet", value, value - half, value + half, better),), PROTOCOL)


def test_the_difference_of_two_intervals() -> None:
    a, b = (scores(v, h).of("frechet") for v, h in ((5.0, 0.3), (4.0, 0.4)))
    assert difference(a, b) == pytest.approx((-1.5, -0.5))


@pytest.mark.parametrize(("value", "half", "beyond"), [(4.0, 0.3, True), (4.8, 0.3, False), (6.0, 0.3, True)])
def test_the_verdict_follows_from_the_intervals(value: float, half: float, beyond: bool) -> None:
    (row,) = verdict(scores(5.0, 0.3), scores(value, half))
    assert row["beyond_interval"] is beyond
    assert (row["raw"], row["refined"], row["better"]) == (5.0, value, "lower")


def test_a_run_is_reported_whole(trained, monkeypatch) -> None:
    monkeypatch.setattr(outcome, "LARGEST", 400)
    told: list[str] = []
    made = Outcome(trained.session, trained.data, raw(), replace(Refinement(), ratio_steps=200, budget=4))
    made.work(lambda done, total, what: told.append(what))
    page = made.write()
    report = json.loads((page.parent / "report.json").read_text())
    assert {"scores", "verdict", "refinement", "curves", "judged", "best", "config", "data", "warnings"} <= set(report)
    assert set(report["scores"]) == {"raw", "refined"}
    assert report["scores"]["raw"]["protocol"] == report["scores"]["refined"]["protocol"]
    assert 0 < report["refinement"]["acceptance_rate"] <= 1
    for name in ("data", "raw", "refined"):
        assert (page.parent / report["pictures"][name]).read_bytes().startswith(b"\x89PNG")
    assert any(what.startswith("refined: ") for what in told)
    assert "<script" not in page.read_text()
    known = {line["iteration"]: line for line in course(page.parent)["judged"]}
    assert report["best"]["value"] == min(r["value"] for r in known.values())


def test_what_draws_nothing_is_measured_and_not_judged(trained) -> None:
    table = {"Probes": [{"labels": 100, "accuracy": 0.5}]}
    model = trained.session.model._replace(sampler=silent, tables=lambda data, space: table)
    made = Outcome(trained.session._replace(model=model), trained.data, raw(), Refinement())
    made.work(lambda done, total, what: None)
    page = made.write()
    report = json.loads((page.parent / "report.json").read_text())
    assert report["tables"] == table
    assert not {"scores", "verdict", "refinement", "pictures"} & set(report)
    assert "Probes" in page.read_text()
