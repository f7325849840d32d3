"""What recipes of views have in common: open choices by the data, rates, and runs that learn, open again and report."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from likeness.data import load, whole
from likeness.errors import InputError
from likeness.judge.features import raw
from likeness.optim.lars import LARS
from likeness.recipes import align_uniform, measuring, moco, relic, simclr, swav
from likeness.recipes.common import Facts, recipe
from likeness.recipes.facts import facts_of
from likeness.recipes.outcome import Outcome, Refinement
from likeness.recipes.pipeline import begin, reopen, training
from likeness.recipes.representing import optimiser_of, untrained, view
from likeness.represent import probes

GREY = Facts("images", (1, 8, 8), ("a", "b"), (50, 50), 100)
NAMES = ("simclr", "moco", "align-uniform", "relic", "swav")


@pytest.mark.parametrize("name", NAMES)
def test_a_run_learns_is_opened_again_and_reports(name: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(measuring, "linear", partial(probes.linear, strengths=(0.1,)))
    data = load("digits", limit=300)
    made = recipe(name)
    settings = made.Settings("digits", out=tmp_path / "r", device="cpu", steps=12, judge_every=6, batch_size=64, d_z=16)
    session = begin(name, settings, data)
    scores = [t.score for t in training(session, data, raw()) if t.score is not None]
    assert [s.metric for s in scores] == ["objective"] * 2
    x = whole(data.test, 20).x
    codes = reopen(tmp_path / "r").model.encode(x)
    assert codes.shape == (20, 128)
    torch.testing.assert_close(codes, session.model.encode(x))
    outcome = Outcome(session, data, raw(), Refinement())
    outcome.work(lambda done, total, what: None)
    report = json.loads((outcome.write().parent / "report.json").read_text())
    worth, lie = list(report["tables"].values())[:2]
    assert [row["features"] for row in worth] == ["learned", "untrained network", "pixels"]
    assert lie[0]["uniformity"] > lie[0]["uniformity, ideal"]
    for path in report["pictures"].values():
        assert (tmp_path / "r" / path).read_bytes().startswith(b"\x89PNG")


def test_features_beat_the_untrained_network(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(measuring, "linear", partial(probes.linear, strengths=(0.01,)))
    data = load("digits")
    settings = simclr.Settings("digits", out=tmp_path / "r", device="cpu", steps=60, judge_every=60)
    session = begin("simclr", settings, data)
    for _ in training(session, data, raw()):
        pass
    ways = {"learned": session.model.encode, "untrained": untrained(session.settings, facts_of(data))}
    coded = {name: partial(measuring.features, way, device="cpu") for name, way in ways.items()}
    found = measuring.worth(coded, whole(data.train, 600), whole(data.test), labels=(100,))
    assert found["learned"]["linear 100"] > found["untrained"]["linear 100"] + 0.02


def test_choices_follow_the_data() -> None:
    grey = simclr.fitting(simclr.Settings("d"), GREY)
    assert (grey.views, grey.batch_size, grey.lr) == ("digits", 100, 2e-3)
    assert simclr.fitting(simclr.Settings("d"), GREY._replace(event=(3, 8, 8))).views == "photographs"
    assert simclr.fitting(simclr.Settings("d"), GREY._replace(kind="table", event=(8,))).views == "columns"
    scaled = simclr.fitting(simclr.Settings("d", optimiser="lars", batch_size=64), GREY)
    assert scaled.lr == pytest.approx(0.3 / 4)
    assert swav.fitting(swav.Settings("d"), GREY).prototypes == 20
    queue = moco.fitting(moco.Settings("d"), GREY._replace(n_train=60_000)).queue
    assert queue == 16_384


@pytest.mark.parametrize(
    ("made", "given", "facts", "said"),
    [
        (simclr, {"views": "columns"}, GREY, "--views columns is not for images"),
        (simclr, {"views": "digits"}, GREY._replace(kind="vectors", event=(2,)), "not for vectors: use columns"),
        (simclr, {"views": "photographs"}, GREY, "changes colours and these images are grey"),
        (simclr, {"tau": 0.0}, GREY, "--tau 0"),
        (relic, {"tau": -1.0}, GREY, "--tau -1"),
        (align_uniform, {"t": 0.0}, GREY, "--t 0"),
        (swav, {"prototypes": 0}, GREY, "--prototypes 0"),
        (swav, {"small": 2}, GREY._replace(kind="vectors", event=(2,)), "--small 2 crops of vectors"),
        (moco, {"queue": 0}, GREY, "--queue 0"),
        (simclr, {"d_z": 0}, GREY, "--d-z 0"),
    ],
)
def test_settings_that_cannot_be_are_refused(made: Any, given: dict[str, Any], facts: Facts, said: str) -> None:
    with pytest.raises(InputError, match=said):
        made.fitting(made.Settings("d", **given), facts)


def test_the_rate_rises_and_falls() -> None:
    settings = simclr.fitting(replace(simclr.Settings("d", device="cpu"), steps=100), GREY)
    learner = simclr.build(settings, GREY).learner
    rates = []
    for i in range(100):
        learner.method.iteration = i
        learner.after()
        rates.append(learner.optimisers.param_groups[0]["lr"])
    assert rates[0] < rates[4] == pytest.approx(2e-3)
    assert rates[4:] == sorted(rates[4:], reverse=True)
    assert rates[-1] < 2e-5


def test_small_parameters_do_not_decay() -> None:
    settings = simclr.fitting(simclr.Settings("d", device="cpu", weight_decay=0.1), GREY)
    method = simclr.build(settings, GREY).learner.method
    decayed, free = optimiser_of(method, settings).param_groups
    assert all(p.ndim > 1 for p in decayed["params"])
    assert (decayed["weight_decay"], free["weight_decay"]) == (0.1, 0.0)
    assert isinstance(optimiser_of(method, replace(settings, optimiser="lars")), LARS)
    assert optimiser_of(method, replace(settings, optimiser="sgd")).param_groups[0]["momentum"] == 0.9


@pytest.mark.parametrize("name", ["digits", "simclr", "align-uniform", "photographs"])
def test_views_have_the_size_that_is_asked_for(name: str) -> None:
    x = torch.rand(3, 3, 16, 16) * 2 - 1
    assert view(simclr.Settings("d", views=name), 12)(x).shape == (3, 3, 12, 12)


def test_rows_of_a_table_are_learned_from(tmp_path: Path) -> None:
    data = load("ring8")
    settings = simclr.Settings("ring8", out=tmp_path / "r", device="cpu", steps=4, judge_every=4, batch_size=32, d_z=8)
    session = begin("simclr", settings, data)
    for _ in training(session, data, raw()):
        pass
    assert session.model.encode(whole(data.test, 5).x).shape == (5, 128)
    assert facts_of(data).kind == "vectors"
    assert session.model.shown is None
