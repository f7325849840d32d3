"""Every open choice is made by the data, whatever is asked for trains, draws and has a likelihood, and nonsense is told
before anything is built."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import torch
from torch.optim import AdamW

from likeness.core import learn, train
from likeness.data.batch import Batch
from likeness.data.columns import fit
from likeness.errors import InputError
from likeness.judge.features import raw
from likeness.recipes.common import Facts, Model
from likeness.recipes.diffusion import Settings, build, fitting
from likeness.recipes.pipeline import begin, read, reopen, resume, training
from likeness.run.folder import open_run
from likeness.sampling import draw
from likeness.testing import check_method

COLUMNS = fit(pa.table({"a": [1.5, 2.5, None, 4.0], "kind": ["x", "y", "z", "x"]}))
POINTS = Facts("vectors", (2,), ("a", "b", "c"), (5, 3, 2), 1000)
PICTURES = Facts("images", (1, 8, 8), ("a", "b", "c"), (5, 3, 2), 100, levels=17)
TABLE = Facts("table", (5,), (), (), 100, tuple(COLUMNS.state()))
SMALL = Settings(data="x", device="cpu", steps=10, batch_size=8, width=32, draw_steps=3)
ASKED: dict[str, tuple[Facts, dict[str, Any]]] = {
    "points": (POINTS, {}),
    "points, classes": (POINTS, {"conditional": True, "scale": 2.0}),
    "points, flow, coupled": (POINTS, {"schedule": "flow", "couple": "optimal-transport"}),
    "points, linear": (POINTS, {"schedule": "linear", "rule": "ddim", "eta": 0.5, "noise_levels": 50}),
    "points, bound, importance": (POINTS, {"schedule": "cosine", "loss": "vlb", "importance": True}),
    "table": (TABLE, {}),
    "images": (PICTURES, {}),
    "images, simple": (PICTURES, {"loss": "simple", "variance": "large", "spread": True}),
    "images, v": (PICTURES, {"predict": "v", "loss": "min-snr"}),
    "images, transformer": (PICTURES, {"network": "dit", "width": 8}),
    "images, edm": (PICTURES, {"schedule": "edm"}),
    "images, flow": (PICTURES, {"schedule": "flow", "rule": "euler"}),
    "images, classes": (PICTURES, {"conditional": True}),
    "images, classes kept": (PICTURES, {"conditional": True, "drop": 0.0, "ema": 0.0}),
}


def model(facts: Facts, **changed: Any) -> Model:
    return build(fitting(replace(SMALL, **changed), facts), facts)


def batch(facts: Facts) -> Batch:
    x = COLUMNS.encode(pa.table({"a": [1.0, None] * 4, "kind": ["x", "z"] * 4})) if facts.columns else None
    levels = (torch.rand(8, *facts.event) * 16).round() / 8 - 1
    return Batch(levels if x is None else x, torch.arange(8) % 3)


@pytest.mark.parametrize(("facts", "asked"), ASKED.values(), ids=ASKED)
def test_whatever_is_asked_for_trains_draws_and_has_a_likelihood(facts: Facts, asked: dict[str, Any]) -> None:
    made, given = model(facts, **asked), batch(facts)
    for _ in train(made.learner.method, [given] * 3, made.learner.optimisers):
        made.learner.after()
    x = draw(made.sampler, 5, generator=0)
    assert x.shape == (5, *facts.event)
    torch.testing.assert_close(draw(made.sampler, 5, generator=0, batch_size=2), x, rtol=1e-3, atol=1e-3)
    discrete = asked.get("schedule", "cosine") in ("linear", "cosine")
    bounded = len(facts.event) == 3 and discrete
    assert made.log_prob_kind == ("bound" if bounded else "exact")
    assert made.levels == (17 if bounded else None)
    if "classes kept" not in str(asked):
        value = made.log_prob(given.x[:3])
        assert value.shape == (3,)
        assert value.isfinite().all()
    assert made.score is not None
    assert float(made.score[1](given.x).mean()) > 0


@pytest.mark.parametrize("name", ["images", "table", "points, classes"])
def test_contract(name: str) -> None:
    facts, asked = ASKED[name]
    check_method(
        lambda: model(facts, **asked).learner.method,
        batch(facts),
        lambda m: AdamW(m.parameters(), 1e-3),
        tolerance=1e-3,
    )


@pytest.mark.parametrize("facts", [POINTS, PICTURES, TABLE])
def test_open_choices_are_made_and_others_kept(facts: Facts) -> None:
    made = fitting(Settings(data="x", device="cpu", width=48), facts)
    assert made.width == 48
    left = {"out", "size", "channels", "label", "limit", "pieces", "length", "judge_every", "patience", "save_every"}
    left |= {"threads", "eta", "noise_levels", "levels"}
    assert {k for k, v in vars(made).items() if v is None} <= left
    assert fitting(made, facts) == made


def test_images_learn_their_variances_and_vectors_take_edm() -> None:
    pictures, points = (fitting(Settings(data="x", device="cpu"), facts) for facts in (PICTURES, POINTS))
    assert (pictures.schedule, pictures.predict, pictures.loss, pictures.variance) == (
        "cosine",
        "noise",
        "hybrid",
        "learned",
    )
    assert (pictures.rule, pictures.draw_steps, pictures.noise_levels, pictures.levels) == ("ddpm", 50, 200, 17)
    assert (points.schedule, points.predict, points.loss, points.rule) == ("edm", "edm", "edm", "heun")
    large = Facts("images", (3, 32, 32), (), (), 1000)
    assert fitting(Settings(data="x", device="cpu"), large).preset == "laptop"
    assert fitting(Settings(data="x", device="cuda"), large).preset == "gpu"


@pytest.mark.parametrize(
    ("facts", "wrong", "match"),
    [
        (POINTS, {"network": "unet"}, "unet is not for vectors"),
        (PICTURES, {"network": "mlp"}, "use unet"),
        (TABLE, {"conditional": True}, "needs labels"),
        (POINTS, {"drop": 0.1}, "--conditional model"),
        (POINTS, {"scale": 2.0}, "--scale 2 guides by labels"),
        (POINTS, {"conditional": True, "drop": 0.0, "scale": 2.0}, "some were dropped"),
        (POINTS, {"noise_levels": 100}, "edm has no such number"),
        (POINTS, {"loss": "hybrid"}, "linear or cosine"),
        (PICTURES, {"variance": "learned", "loss": "simple"}, "not by simple"),
        (PICTURES, {"variance": "small", "loss": "hybrid"}, "they are small"),
        (PICTURES, {"draw_steps": 201}, "201 of 200 noise levels"),
        (PICTURES, {"eta": 0.5}, "not of ddpm"),
        (POINTS, {"levels": 4}, "pixels of an image"),
        (PICTURES, {"lr": 0.0}, "--lr"),
    ],
)
def test_what_does_not_go_together_is_refused_in_one_line(facts: Facts, wrong: dict[str, Any], match: str) -> None:
    with pytest.raises(InputError, match=match) as told:
        fitting(Settings(**{"data": "x", "device": "cpu"} | wrong), facts)
    assert "\n" not in str(told.value)


def test_guidance_makes_draws_more_typical_of_a_class(tmp_path: Path) -> None:
    """Two classes that overlap: with a scale above one they overlap less."""
    settings = replace(SMALL, data="x", steps=400, batch_size=256, width=64, conditional=True, lr=3e-3, ema=0.9)
    facts = Facts("vectors", (1,), ("a", "b"), (1, 1), 1000)
    made = build(fitting(settings, facts), facts)
    torch.manual_seed(0)
    for _ in range(400):
        y = torch.randint(2, (256,))
        learn(made.learner.method, Batch((2 * y - 1.0)[:, None] + torch.randn(256, 1), y), made.learner.optimisers)
        made.learner.after()
    y = torch.zeros(2000, dtype=torch.long)
    plain, guided = (made.sampler(2000, generator=0, y=y, scale=s, steps=20) for s in (1.0, 3.0))
    assert float(plain.mean()) == pytest.approx(-1, abs=0.25)
    assert float((guided > 0).float().mean()) < 0.5 * float((plain > 0).float().mean())
    assert not torch.equal(made.sampler(4, generator=0), made.sampler(4, generator=0, rule="ddim", steps=7))


def test_a_stopped_training_goes_on_bit_by_bit(tmp_path: Path) -> None:
    """With importance-sampled levels, whose losses are part of the state."""

    def run(out: Path, steps: int) -> None:
        settings = replace(SMALL, data="moons", limit=200, out=out, steps=steps, batch_size=64, save_every=20)
        settings = replace(settings, schedule="cosine", noise_levels=4, loss="vlb", importance=True, judge_every=40)
        data = read(settings)
        if (out / "config.json").exists():
            found = open_run(out)
            session = resume(found, replace(fitting(settings, Facts.restored(found.facts)), out=out), data)
        else:
            session = begin("diffusion", settings, data)
        for _ in training(session, data, raw()):
            pass

    run(tmp_path / "whole", 80)
    run(tmp_path / "parts", 40)
    run(tmp_path / "parts", 80)
    whole, parts = (
        reopen(tmp_path / name, which="last").model.learner.state.state_dict() for name in ("whole", "parts")
    )
    for name, value in whole.items():
        assert torch.equal(value, parts[name]), name


def test_a_table_is_drawn_as_rows_of_it(tmp_path: Path) -> None:
    rows = [f"{20 + i % 7 + i / 1000},{'uvw'[i % 3]}" for i in range(600)]
    (tmp_path / "t.csv").write_text("age,kind\n" + "\n".join(rows) + "\n")
    settings = replace(SMALL, data=str(tmp_path / "t.csv"), out=tmp_path / "r", steps=300, batch_size=128, width=64)
    settings = replace(settings, lr=3e-3, draw_steps=15, judge_every=300, ema=0.95)
    data = read(settings)
    session = begin("diffusion", settings, data)
    for _ in training(session, data, raw()):
        pass
    drawn = session.columns.decode(draw(reopen(tmp_path / "r").model.sampler, 1000, generator=0))
    assert set(drawn["kind"].to_pylist()) == {"u", "v", "w"}
    ages = drawn["age"].to_pylist()
    assert sum(ages) / 1000 == pytest.approx(23.3, abs=0.3)
