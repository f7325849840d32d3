"""It learns to read, begins from an encoder that saw no text, outlives that run, and refuses what cannot be read."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from text_lines import write_lines

from likeness.data import load, whole
from likeness.data.lines import decoded
from likeness.data.vocabulary import Vocabulary
from likeness.errors import InputError
from likeness.judge.features import raw
from likeness.recipes import seqclr
from likeness.recipes.common import Facts
from likeness.recipes.pipeline import begin, reopen, training
from likeness.recipes.recogniser import Settings, build, fitting

KNOWN = Vocabulary(("a", "b"))
LINES = Facts("lines", (1, 8, 52), (), (), 80, vocabulary=KNOWN.state())
SMALL = Settings(data="x", device="cpu", steps=10, batch_size=16, width=8, d=16, size=8, judge_every=5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_lines(tmp_path_factory.mktemp("lines") / "words")


@pytest.fixture(scope="module")
def taught(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "taught"
    settings = seqclr.Settings(data=str(folder), out=run, device="cpu", steps=4, batch_size=16, width=4, d=8, size=8)
    data = load(folder, size=8)
    for _ in training(begin("seqclr", settings, data), data, raw()):
        pass
    return run


def test_it_learns_to_read(folder: Path, tmp_path: Path) -> None:
    data = load(folder, size=8)
    asked = replace(SMALL, data=str(folder), out=tmp_path / "run", steps=200, judge_every=100, lr=1e-2)
    session = begin("recogniser", asked, data)
    scores = [t.score for t in training(session, data, raw()) if t.score is not None]
    assert {s.metric for s in scores} == {"character_errors"}
    assert scores[-1].value < 0.1
    again, test = reopen(tmp_path / "run"), whole(data.test)
    assert again.vocabulary.characters == ("a", "b")
    ids = again.model.learner.method.read(test.x)
    right = [a == b for a, b in zip(decoded(ids, KNOWN), decoded(test.y, KNOWN), strict=True)]
    assert sum(right) >= 0.9 * len(right)
    tables = again.model.tables(data, raw())
    assert tables["Reading"][1]["read without an error"] == pytest.approx(sum(right) / len(right))
    assert tables["Some test lines"][0]["text"] == decoded(test.y[:1], KNOWN)[0]


@pytest.mark.parametrize("asked", [{"frozen": True}, {"decoder": "bilstm"}])
def test_it_begins_with_the_encoder_of_a_run(folder: Path, taught: Path, tmp_path: Path, asked: dict[str, Any]) -> None:
    data = load(folder, size=8)
    moved = tmp_path / "taught"
    shutil.copytree(taught, moved)
    before = reopen(moved).model.learner.method.f.state_dict()
    session = begin(
        "recogniser", replace(SMALL, data=str(folder), out=tmp_path / "r", encoder=str(moved), **asked), data
    )
    made = session.model.learner.method
    assert all(torch.equal(v, before[k]) for k, v in made.f.state_dict().items())
    for _ in training(session, data, raw()):
        pass
    kept = all(torch.equal(v, before[k]) for k, v in made.f.state_dict().items())
    assert kept == asked.get("frozen", False)
    shutil.rmtree(moved)
    x = whole(data.test).x
    again = reopen(tmp_path / "r").model
    torch.testing.assert_close(again.learner.method.logits(x), made.logits(x))
    assert again.encode(x).shape == (len(x), 8)


def test_open_choices_are_made_and_others_kept() -> None:
    made = fitting(Settings(data="x", device="cpu"), LINES)
    assert None not in (made.steps, made.batch_size, made.lr, made.judge_every)
    assert fitting(made, LINES) == made
    assert build(made, LINES).labelled


def test_what_cannot_be_is_refused(taught: Path, tmp_path: Path) -> None:
    for facts, wrong, said in (
        (LINES._replace(vocabulary=None), {}, "has no transcriptions"),
        (LINES, {"frozen": True}, "give --encoder RUN"),
        (LINES, {"lr": 0.0}, "--lr 0"),
        (LINES._replace(event=(1, 16, 52)), {"encoder": str(taught)}, "these have 16: give --size 8"),
        (LINES, {"encoder": str(tmp_path)}, "config.json|no run"),
    ):
        with pytest.raises(InputError, match=said):
            fitting(replace(SMALL, **wrong), facts)
