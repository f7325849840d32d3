"""Every variant learns, a run keeps its best encoder, and what cannot be is refused before anything is made."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from text_lines import write_lines

from likeness.data import load, whole
from likeness.errors import InputError
from likeness.judge.features import raw
from likeness.recipes.common import Facts, kinds
from likeness.recipes.pipeline import begin, reopen, training
from likeness.recipes.seqclr import Settings, build, fitting

LINES = Facts("lines", (1, 8, 52), (), (), 80)
SMALL = Settings(data="x", device="cpu", steps=12, batch_size=16, width=4, d=8, size=8, judge_every=6)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_lines(tmp_path_factory.mktemp("lines") / "plain", labelled=False)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"instances": "line", "projection": "none"},
        {"instances": "frame", "projection": "perceptron", "context": 1},
    ],
)
def test_a_run_learns_from_lines_without_texts(folder: Path, tmp_path: Path, asked: dict[str, Any]) -> None:
    data = load(folder, size=8)
    session = begin("seqclr", replace(SMALL, data=str(folder), out=tmp_path / "run", **asked), data)
    scores = [t.score for t in training(session, data, raw()) if t.score is not None]
    assert {s.metric for s in scores} == {"contrast"}
    assert len(scores) == 2
    x = whole(data.test).x
    again = reopen(tmp_path / "run").model
    assert not again.draws
    assert again.encode(x).shape == (len(x), 8)
    assert torch.equal(again.encode(x), session.model.encode(x))


def test_open_choices_are_made_and_others_kept() -> None:
    made = fitting(Settings(data="x", device="cpu"), LINES)
    assert None not in (made.steps, made.batch_size, made.judge_every)
    assert fitting(made, LINES) == made
    assert build(made, LINES).learner.method.d == 128


@pytest.mark.parametrize(
    ("facts", "wrong", "said"),
    [
        (LINES, {"windows": 14}, "--windows 14: the widest text line has 13 frames"),
        (LINES, {"tau": 0.0}, "--tau 0"),
        (LINES, {"windows": 0}, "--windows 0"),
        (LINES, {"lr": -1.0}, "--lr -1"),
    ],
)
def test_settings_that_cannot_be_are_refused(facts: Facts, wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        fitting(replace(SMALL, **wrong), facts)


def test_it_is_for_text_lines_alone() -> None:
    assert kinds("seqclr") == ("lines",)
