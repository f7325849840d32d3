"""The recipe of classifiers: from nothing, on the encoder of a run, tuned or frozen."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from likeness.data import load, whole
from likeness.errors import InputError
from likeness.judge.features import raw
from likeness.recipes import classifier, rotation
from likeness.recipes.common import Facts
from likeness.recipes.facts import facts_of
from likeness.recipes.pipeline import begin, reopen, training
from likeness.represent.supervised import Classifier
from likeness.represent.transfer import FeatureExtraction, FineTuning

GREY = Facts("images", (1, 8, 8), ("a", "b"), (50, 50), 100)
GIVEN: dict[str, Any] = {"device": "cpu", "steps": 30, "judge_every": 30, "batch_size": 128}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder, data = tmp_path_factory.mktemp("runs") / "r", load("digits", limit=200)
    session = begin("rotation", rotation.Settings("digits", out=folder, **GIVEN | {"steps": 2, "judge_every": 2}), data)
    for _ in training(session, data, raw()):
        pass
    return str(folder)


@pytest.mark.parametrize(
    ("given", "kind"),
    [({}, Classifier), ({"model": ""}, FineTuning), ({"model": "", "frozen": True}, FeatureExtraction)],
)
def test_it_learns_and_is_opened_again(given: dict[str, Any], kind: type, run: str, tmp_path: Path) -> None:
    data = load("digits")
    asked = GIVEN | {k: v or run for k, v in given.items()}
    if kind is not Classifier:  # the encoder moves slowly or not at all
        asked |= {"steps": 150, "judge_every": 150}
    session = begin("classifier", classifier.Settings("digits", out=tmp_path / "r", **asked), data)
    assert type(session.model.learner.method) is kind
    (score,) = [tick.score for tick in training(session, data, raw()) if tick.score is not None]
    assert score.metric == "cross_entropy"
    assert score.value < 1.5
    x = whole(data.test, 10).x
    torch.testing.assert_close(reopen(tmp_path / "r").model.encode(x), session.model.encode(x))
    (row,), each = session.model.tables(data, raw()).values()
    assert row["accuracy"] > 0.6
    assert len(each) == 10
    assert sum(r["accuracy"] * r["test samples"] for r in each) / 359 == pytest.approx(row["accuracy"])


def test_the_encoder_of_a_run_moves_at_its_share_of_the_rate(run: str) -> None:
    data = load("digits")
    facts = facts_of(data)
    settings = classifier.fitting(classifier.Settings("digits", model=run, factor=0.25, **GIVEN), facts)
    learner = classifier.build(settings, facts).learner
    learner.after()
    rates = sorted({group["lr"] for group in learner.optimisers.param_groups})
    assert rates[0] == pytest.approx(0.25 * rates[1])
    frozen = classifier.build(replace(settings, frozen=True), facts).learner
    assert {id(p) for g in frozen.optimisers.param_groups for p in g["params"]} == {
        id(p) for p in frozen.method.h.parameters()
    }


@pytest.mark.parametrize(
    ("given", "facts", "said"),
    [
        ({}, GREY._replace(classes=(), label_counts=()), "a classifier needs labels"),
        ({"frozen": True}, GREY, "--frozen leaves the encoder of a run"),
        ({"model": ""}, GREY._replace(event=(3, 8, 8)), "these have"),
    ],
)
def test_what_cannot_be_is_refused(given: dict[str, Any], facts: Facts, said: str, run: str) -> None:
    given = {k: v or run for k, v in given.items()}
    with pytest.raises(InputError, match=said):
        classifier.fitting(classifier.Settings("d", **given), facts)
