"""Every open choice of a MADE is made by the data; rows of tables come back; images are sent elsewhere."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from likeness.core import train
from likeness.data import load
from likeness.data.batch import Batch
from likeness.data.batching import whole
from likeness.errors import InputError
from likeness.judge.features import raw
from likeness.recipes.common import Facts
from likeness.recipes.made import Settings, build, fitting
from likeness.recipes.pipeline import begin, read, reopen, training
from likeness.sampling import draw

POINTS = Facts("vectors", (3,), ("a", "b"), (3, 7), 1000)
PICTURES = Facts("images", (1, 8, 8), (), (), 100)
SMALL = Settings(data="x", device="cpu", steps=10, batch_size=8, width=16, mixtures=2)


def test_open_choices_are_made_and_others_kept() -> None:
    made = fitting(Settings(data="x", lr=0.5), POINTS)
    assert (made.lr, made.noise, made.steps, made.batch_size) == (0.5, 0.0, 3000, 256)
    assert fitting(made, POINTS) == made
    assert fitting(Settings(data="x"), POINTS._replace(kind="table")).noise == 0.1


@pytest.mark.parametrize("asked", [{}, {"conditional": True, "noise": 0.1}])
def test_it_trains_and_draws_by_its_averaged_weights(asked: dict[str, Any]) -> None:
    made = build(fitting(replace(SMALL, **asked), POINTS), POINTS)
    batch = Batch(torch.randn(8, 3), torch.arange(8) % 2)
    for _ in train(made.learner.method, [batch] * 3, made.learner.optimisers):
        made.learner.after()
    before = draw(made.sampler, 5, generator=0)
    assert before.shape == (5, 3)
    with torch.no_grad():
        made.learner.method.net.out.bias.add_(0.3)
    assert torch.equal(before, draw(made.sampler, 5, generator=0))
    assert made.log_prob(before).shape == (5,)
    assert made.levels is None


def test_a_run_comes_nearer_to_the_truth_than_a_gaussian(tmp_path: Path) -> None:
    data = load("moons", limit=5000)
    settings = Settings(data="moons", out=tmp_path / "r", device="cpu", steps=300, lr=5e-3, judge_every=150)
    session = begin("made", settings, data)
    for _ in training(session, data, raw()):
        pass
    x = whole(data.test, 2000).x
    gauss = torch.distributions.MultivariateNormal(x.mean(0), x.T.cov()).log_prob(x).mean()
    ours = reopen(tmp_path / "r").model.log_prob(x).mean()
    assert gauss + 0.25 < ours < data.truth.log_prob(x).mean()


def test_rows_of_a_table_come_back(tmp_path: Path) -> None:
    rows = [f"{i / 3:.3f},{'uvw'[i % 3]}" for i in range(200)]
    (tmp_path / "t.csv").write_text("x,k\n" + "\n".join(rows) + "\n")
    settings = replace(SMALL, data=str(tmp_path / "t.csv"), out=tmp_path / "r", steps=2)
    session = begin("made", settings, read(settings))
    table = session.columns.decode(draw(session.model.sampler, 20, generator=0))
    assert set(table["k"].to_pylist()) <= {"u", "v", "w"}


@pytest.mark.parametrize(
    ("facts", "wrong", "said"),
    [
        (PICTURES, {}, "use pixelcnn"),
        (POINTS._replace(classes=()), {"conditional": True}, "--conditional needs labels"),
        (POINTS, {"noise": -1.0}, "--noise -1"),
        (POINTS, {"mixtures": 0}, "--mixtures 0"),
        (POINTS, {"depth": 0}, "--depth 0"),
    ],
)
def test_what_does_not_suit_is_refused(facts: Facts, wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        fitting(replace(SMALL, **wrong), facts)
