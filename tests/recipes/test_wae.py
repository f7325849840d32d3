"""Every open choice is made by the data, both penalties train and draw, and a run comes back from its folder."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import torch
from torch.optim import Adam

from likeness.core import learn, train
from likeness.data import load
from likeness.data.batch import Batch
from likeness.data.columns import fit
from likeness.errors import InputError
from likeness.judge.features import raw
from likeness.recipes.common import Facts, Model
from likeness.recipes.pipeline import begin, prepared, reopen, training
from likeness.recipes.wae import Settings, build, fitting
from likeness.run.track import records
from likeness.sampling import draw
from likeness.testing import check_method

COLUMNS = fit(pa.table({"a": [1.5, 2.5, None, 4.0], "kind": ["x", "y", "z", "x"]}))
POINTS = Facts("vectors", (2,), (), (), 1000)
PICTURES = Facts("images", (1, 8, 8), ("a", "b", "c"), (5, 3, 2), 100)
TABLE = Facts("table", (5,), (), (), 100, tuple(COLUMNS.state()))
SMALL = Settings(data="x", device="cpu", steps=10, batch_size=8, width=8, d_z=4)
ASKED: dict[str, tuple[Facts, dict[str, Any]]] = {
    "points": (POINTS, {}),
    "points, adversary": (POINTS, {"penalty": "adversary", "ema": 0}),
    "images, gaussian": (PICTURES, {"encoder": "gaussian"}),
    "images, adversary": (PICTURES, {"penalty": "adversary", "encoder": "gaussian"}),
    "table": (TABLE, {}),
    "table, adversary": (TABLE, {"penalty": "adversary"}),
}


def model(facts: Facts, **changed: Any) -> Model:
    return build(fitting(replace(SMALL, **changed), facts), facts)


def batch(facts: Facts) -> Batch:
    x = COLUMNS.encode(pa.table({"a": [1.0, None] * 4, "kind": ["x", "z"] * 4})) if facts.columns else None
    return Batch(torch.rand(8, *facts.event) * 2 - 1 if x is None else x, torch.arange(8) % 3)


@pytest.mark.parametrize(("facts", "asked"), ASKED.values(), ids=ASKED)
def test_whatever_is_asked_for_trains_codes_and_draws(facts: Facts, asked: dict[str, Any]) -> None:
    made, x = model(facts, **asked), batch(facts).x
    (step, *_) = train(made.learner.method, [batch(facts)] * 3, made.learner.optimisers)
    assert set(step.terms) == {"cost", "discrepancy"} | ({"critic"} if asked.get("penalty") else set())
    made.learner.after()
    assert draw(made.sampler, 6, generator=0).shape == (6, *facts.event)
    assert made.encode(x).shape == (8, made.d_z)
    torch.testing.assert_close(made.reconstruct(x), made.decode(made.encode(x)).detach())
    assert made.log_prob is None


@pytest.mark.parametrize("penalty", ["mmd", "adversary"])
def test_contract(penalty: str) -> None:
    def optimisers(method: Any) -> Any:
        return {p: Adam(p.parameters(), 1e-3) for p in (method.coder, method.critic) if p is not None}

    check_method(lambda: model(TABLE, penalty=penalty).learner.method, batch(TABLE), optimisers)


@pytest.mark.parametrize("facts", [POINTS, PICTURES, TABLE])
def test_open_choices_are_made_and_others_kept(facts: Facts) -> None:
    made = fitting(Settings(data="x", d_z=7), facts)
    assert made.d_z == 7
    assert made.weight == (40 if facts is PICTURES else 10)
    assert None not in (made.steps, made.batch_size, made.width)
    assert fitting(made, facts) == made


def test_draws_of_a_table_are_rows_of_it_and_the_report_says_what_they_are() -> None:
    made = model(TABLE)
    assert set(COLUMNS.decode(draw(made.sampler, 50, generator=0))["kind"].to_pylist()) <= {"x", "y", "z"}
    assert made.drawn == "samples of p(x|z)"
    assert model(POINTS).drawn.startswith("what is decoded")


def test_encoder_and_decoder_are_computed_in_bfloat16_where_that_is_asked_for() -> None:
    settings = fitting(replace(SMALL, precision="bf16"), PICTURES)
    learner, x = prepared(build(settings, PICTURES), settings).learner, batch(PICTURES)
    kinds = set()
    for network in (learner.method.coder.E, learner.method.coder.D):
        for layer in network.modules():
            if isinstance(layer, torch.nn.Linear | torch.nn.Conv2d):
                layer.register_forward_hook(lambda _layer, _x, y: kinds.add(y.dtype))
    learn(learner.method.train(), x, learner.optimisers)
    assert kinds == {torch.bfloat16}


def test_a_run_is_chosen_by_its_draws_and_comes_back(tmp_path: Path) -> None:
    data, settings = load("ring8"), replace(SMALL, data="ring8", out=tmp_path / "r", steps=60, batch_size=64, d_z=2)
    session = begin("wae", settings, data)
    for _ in training(session, data, raw()):
        pass
    assert {row["metric"] for row in records(tmp_path / "r", "score")} == {"frechet"}
    again, x = reopen(tmp_path / "r").model, torch.randn(8, 2)
    torch.testing.assert_close(again.encode(x), session.model.encode(x))
    assert torch.equal(draw(again.sampler, 5, generator=0), draw(session.model.sampler, 5, generator=0))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"weight": -1.0}, "--weight -1"), ({"batch_size": 1}, "--batch-size 1"), ({"d_z": 0}, "--d-z 0")],
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        fitting(replace(SMALL, **wrong), POINTS)
