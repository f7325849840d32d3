"""Every open choice is made by the data, every variant trains, codes, and draws, and what cannot be is refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import torch
from torch.optim import Adam

from likeness.core import train
from likeness.data import load
from likeness.data.batch import Batch
from likeness.data.columns import fit
from likeness.errors import InputError
from likeness.judge.features import raw
from likeness.recipes.autoencoder import Settings, Wide, build, fitting
from likeness.recipes.common import Facts, Model
from likeness.recipes.pipeline import begin, reopen, training
from likeness.sampling import draw
from likeness.testing import check_method

COLUMNS = fit(pa.table({"a": [1.5, 2.5, None, 4.0], "kind": ["x", "y", "z", "x"]}))
WAVES = Facts("vectors", (8,), (), (), 1000)
PICTURES = Facts("images", (1, 8, 8), ("a", "b", "c"), (5, 3, 2), 100)
TABLE = Facts("table", (5,), (), (), 100, tuple(COLUMNS.state()))
SMALL = Settings(data="x", device="cpu", steps=10, batch_size=8, width=8)
ASKED: dict[str, tuple[Facts, dict[str, Any]]] = {
    "vectors": (WAVES, {}),
    "vectors, linear": (WAVES, {"network": "linear", "d_z": 2}),
    "vectors, lstm": (WAVES, {"network": "lstm", "reverse": True, "d_z": 4}),
    "vectors, wide": (WAVES, {"d_z": 8, "sparse": 0.1, "activity": 0.1, "contractive": 0.1}),
    "images": (PICTURES, {}),
    "images, denoising": (PICTURES, {"noise": "gaussian", "network": "dense", "d_z": 6}),
    "images, salt": (PICTURES, {"noise": "salt-and-pepper", "contractive": 0.1}),
    "images, rows": (PICTURES, {"network": "lstm", "noise": "masking"}),
    "table": (TABLE, {"noise": "masking"}),
}


def model(facts: Facts, **changed: Any) -> Model:
    return build(fitting(replace(SMALL, **changed), facts), facts)


def samples(facts: Facts) -> torch.Tensor:
    if facts.columns:
        return COLUMNS.encode(pa.table({"a": [1.0, None] * 20, "kind": ["x", "z"] * 20}))
    return torch.rand(40, *facts.event) * 2 - 1


@pytest.mark.parametrize(("facts", "asked"), ASKED.values(), ids=ASKED)
def test_whatever_is_asked_for_trains_codes_and_draws(facts: Facts, asked: dict[str, Any]) -> None:
    made, x = model(facts, **asked), samples(facts)
    steps = list(train(made.learner.method, [Batch(x[:8])] * 3, made.learner.optimisers))
    assert "error" in steps[0].terms
    made.learner.after()
    made.settle(x)
    assert draw(made.sampler, 6, generator=0).shape == (6, *facts.event)
    assert made.encode(x).shape == (40, made.learner.method.d_z)
    assert made.reconstruct(x).shape == x.shape
    name, cost = made.score
    assert (name, cost(x).shape) == ("error", (40,))


@pytest.mark.parametrize("name", ["vectors, wide", "images, salt", "images, rows", "table"])
def test_contract(name: str) -> None:
    facts, asked = ASKED[name]
    batch = Batch(samples(facts)[:8])
    check_method(lambda: model(facts, **asked).learner.method, batch, lambda m: Adam(m.parameters(), 1e-3))


@pytest.mark.parametrize("facts", [WAVES, PICTURES, TABLE])
def test_open_choices_are_made_and_others_kept(facts: Facts) -> None:
    made = fitting(Settings(data="x"), facts)
    assert None not in (made.network, made.d_z, made.steps, made.batch_size, made.level)
    assert fitting(made, facts) == made
    assert fitting(Settings(data="x", d_z=4, network="linear"), facts).d_z == 4


def test_rows_drawn_of_a_table_have_categories_of_the_training_rows() -> None:
    made = model(TABLE)
    made.settle(samples(TABLE))
    kinds = COLUMNS.decode(draw(made.sampler, 50, generator=0))["kind"].to_pylist()
    assert set(kinds) <= {"x", "y", "z"}


def test_the_rate_falls_to_zero_by_a_cosine() -> None:
    made = model(WAVES, lr=1.0)
    rates = []
    for _ in train(made.learner.method, [Batch(samples(WAVES))] * 10, made.learner.optimisers):
        rates.append(made.learner.optimisers.param_groups[0]["lr"])
        made.learner.after()
    assert rates[0] == 1
    assert rates[5] == pytest.approx(0.5)
    assert made.learner.optimisers.param_groups[0]["lr"] == pytest.approx(0, abs=1e-12)


def test_a_code_that_may_be_the_sample_is_told() -> None:
    assert [f.code for f in Wide(8, 8, kept=False)({})] == ["wide-code"]
    assert Wide(8, 8, kept=True)({}) == Wide(7, 8, kept=False)({}) == []


def test_a_run_draws_from_the_density_of_its_best_checkpoint(tmp_path: Path) -> None:
    data = load("sines", limit=2000)
    settings = Settings(data="sines", out=tmp_path / "run", device="cpu", steps=200, judge_every=50, d_z=9, width=64)
    session = begin("autoencoder", settings, data)
    scores = [t.score for t in training(session, data, raw()) if t.score is not None]
    assert {s.metric for s in scores} == {"error"}
    assert scores[-1].value < scores[0].value
    again = reopen(tmp_path / "run")
    x = draw(again.model.sampler, 200, generator=0)
    assert torch.equal(x, draw(session.model.sampler, 200, generator=0))
    real = data.test[torch.arange(2000)].x
    assert float(x.std()) == pytest.approx(float(real.std()), rel=0.25), "waves, not what N(0, 1) codes decode to"


@pytest.mark.parametrize(
    ("facts", "wrong", "said"),
    [
        (WAVES, {"d_z": 0}, "--d-z 0"),
        (WAVES, {"network": "convolutional"}, "is for images"),
        (PICTURES, {"d_z": 5}, "multiple of 4, such as 4"),
        (Facts("images", (1, 8, 6), (), (), 9), {}, "not square"),
        (Facts("vectors", (1,), (), (), 9), {"network": "lstm"}, "two or more"),
        (TABLE, {"network": "lstm"}, "no order"),
        (PICTURES, {"reverse": True}, "--reverse is of --network lstm"),
        (WAVES, {"noise": "gaussian", "level": -1.0}, "noise of standard deviation -1"),
        (WAVES, {"noise": "masking", "level": 1.5}, "share of 1.5"),
        (WAVES, {"noise": "salt-and-pepper"}, "is for images"),
        (WAVES, {"level": 0.5}, "of no noise"),
        (WAVES, {"sparse": -1.0}, "weight of -1"),
        (WAVES, {"network": "lstm", "contractive": 0.1}, "differentiates twice"),
        (WAVES, {"judge_every": 11}, "no checkpoint would be judged"),
    ],
)
def test_settings_that_cannot_be_are_refused(facts: Facts, wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        fitting(replace(SMALL, **wrong), facts)
