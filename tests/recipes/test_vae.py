"""Every open choice is made by the data, every likelihood trains and draws, and a collapse is told."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import torch
from torch.optim import Adam

from likeness.core import train
from likeness.data.batch import Batch
from likeness.data.columns import fit
from likeness.density.likelihoods import GaussianMap
from likeness.density.mixed import Mixed
from likeness.errors import InputError
from likeness.judge.features import raw
from likeness.recipes.common import Facts, Model
from likeness.recipes.pipeline import begin, prepared, read, reopen, training
from likeness.recipes.vae import Collapse, Settings, build, fitting
from likeness.sampling import draw
from likeness.testing import check_method

COLUMNS = fit(pa.table({"a": [1.5, 2.5, None, 4.0], "kind": ["x", "y", "z", "x"]}))
POINTS = Facts("vectors", (2,), (), (), 1000)
PICTURES = Facts("images", (1, 8, 8), ("a", "b", "c"), (5, 3, 2), 100)
TABLE = Facts("table", (5,), (), (), 100, tuple(COLUMNS.state()))
SMALL = Settings(data="x", device="cpu", steps=10, batch_size=8, width=8, d_z=4)
ASKED: dict[str, tuple[Facts, dict[str, Any]]] = {
    "points": (POINTS, {}),
    "points, map": (POINTS, {"likelihood": "gaussian-map"}),
    "points, fixed": (POINTS, {"sigma": 0.2}),
    "images": (PICTURES, {}),
    "images, map": (PICTURES, {"likelihood": "gaussian-map", "cycles": 2}),
    "images, logistic": (PICTURES, {"likelihood": "logistic", "beta": 2.0}),
    "images, bernoulli": (PICTURES, {"likelihood": "bernoulli", "free_bits": 0.1}),
    "images, classes": (PICTURES, {"conditional": True, "ema": 0.9}),
    "table": (TABLE, {}),
    "points, two levels": (POINTS, {"hierarchy": 2}),
    "images, three levels": (PICTURES, {"hierarchy": 3, "likelihood": "logistic", "ema": 0.9}),
    "images, classes, two levels": (PICTURES, {"hierarchy": 2, "conditional": True, "likelihood": "bernoulli"}),
    "table, four levels": (TABLE, {"hierarchy": 4, "free_bits": 0.1}),
}


def model(facts: Facts, **changed: Any) -> Model:
    return build(fitting(replace(SMALL, **changed), facts), facts)


def batch(facts: Facts) -> Batch:
    x = COLUMNS.encode(pa.table({"a": [1.0, None] * 4, "kind": ["x", "z"] * 4})) if facts.columns else None
    return Batch(torch.rand(8, *facts.event) * 2 - 1 if x is None else x, torch.arange(8) % 3)


@pytest.mark.parametrize(("facts", "asked"), ASKED.values(), ids=ASKED)
def test_whatever_is_asked_for_trains_draws_and_has_a_bound(facts: Facts, asked: dict[str, Any]) -> None:
    made = model(facts, **asked)
    steps = list(train(made.learner.method, [batch(facts)] * 3, made.learner.optimisers))
    levels = asked.get("hierarchy", 1)
    assert {"reconstruction", *(["kl"] if levels == 1 else [f"kl_{i + 1}" for i in range(levels)])} <= set(
        steps[0].terms
    )
    made.learner.after()
    made.learner.state.eval()
    x = draw(made.sampler, 6, generator=0)
    assert x.shape == (6, *facts.event)
    value = made.log_prob(x)
    assert value.shape == (6,)
    assert value.isfinite().all()
    assert made.log_prob_kind == "bound"


@pytest.mark.parametrize(("facts", "asked"), [ASKED["table"], ASKED["images, bernoulli"]], ids=["table", "bernoulli"])
def test_contract(facts: Facts, asked: dict[str, Any]) -> None:
    check_method(lambda: model(facts, **asked).learner.method, batch(facts), lambda m: Adam(m.parameters(), 1e-3))


@pytest.mark.parametrize("facts", [POINTS, PICTURES, TABLE])
def test_open_choices_are_made_and_others_kept(facts: Facts) -> None:
    made = fitting(Settings(data="x", d_z=7), facts)
    assert made.d_z == 7
    assert None not in (made.likelihood, made.steps, made.batch_size, made.warmup, made.width)
    assert fitting(made, facts) == made


def test_a_table_is_learned_column_by_column_and_draws_are_rows_of_it() -> None:
    made = model(TABLE)
    assert isinstance(made.learner.method.likelihood, Mixed)
    kinds = COLUMNS.decode(draw(made.sampler, 50, generator=0))["kind"].to_pylist()
    assert set(kinds) <= {"x", "y", "z"}
    assert Facts.restored(TABLE._asdict()) == TABLE


@pytest.mark.parametrize("hierarchy", [1, 2])
def test_gaps_of_a_table_are_drawn_as_often_as_they_occur_and_nothing_unseen_is(tmp_path: Path, hierarchy: int) -> None:
    """A third of the ages are missing, those of the kind "u" alone; "v" and "w" have none."""
    rows = [f"{'' if i % 3 == 0 else 20 + i % 7 + i / 1000},{'uvw'[i % 3]},{i * 0.37 % 1:.4f}" for i in range(600)]
    (tmp_path / "t.csv").write_text("age,kind,other\n" + "\n".join(rows) + "\n")
    settings = replace(SMALL, data=str(tmp_path / "t.csv"), out=tmp_path / "r", steps=300, batch_size=64)
    settings = replace(settings, width=32, d_z=2, hierarchy=hierarchy, lr=5e-3, judge_every=300)
    data = read(settings)
    session = begin("vae", settings, data)
    for _ in training(session, data, raw()):
        pass
    drawn = session.columns.decode(draw(reopen(tmp_path / "r").model.sampler, 2000, generator=0))
    ages, kinds = drawn["age"].to_pylist(), drawn["kind"].to_pylist()
    assert set(kinds) == {"u", "v", "w"}
    assert sum(age is None for age in ages) / 2000 == pytest.approx(1 / 3, abs=0.08)
    agree = [(age is None) == (kind == "u") for age, kind in zip(ages, kinds)]
    assert sum(agree) / 2000 > 0.8  # by chance 0.56
    numbers = [age for age in ages if age is not None]
    assert sum(numbers) / len(numbers) == pytest.approx(23.3, abs=0.5)


def test_means_are_drawn_where_they_are_asked_for() -> None:
    noisy, smooth = model(POINTS, sigma=5.0), model(POINTS, sigma=5.0, draws="mean")
    smooth.learner.state.load_state_dict(noisy.learner.state.state_dict())
    assert draw(noisy.sampler, 500, generator=0).std() > 5 * draw(smooth.sampler, 500, generator=0).std()


def test_draws_are_those_of_the_average_where_one_is_kept() -> None:
    made = model(POINTS, ema=0.9)
    before = draw(made.sampler, 5, generator=0)
    with torch.no_grad():
        for p in made.learner.method.parameters():
            p.zero_()
    assert torch.equal(before, draw(made.sampler, 5, generator=0))


def test_a_collapsed_posterior_is_told() -> None:
    assert [f.code for f in Collapse()({"kl": 0.01, "reconstruction": 5.0})] == ["posterior-collapse"]
    assert Collapse()({"kl": 3.0}) == []


def test_a_collapsed_level_is_named() -> None:
    (found,) = Collapse()({"reconstruction": 5.0, "kl_1": 4.0, "kl_2": 1.0, "kl_3": 0.01})
    assert found.code == "level-collapse"
    assert "level 3 (the top) has collapsed" in found.saw
    assert Collapse()({"kl_1": 4.0, "kl_2": 1.0}) == []
    assert [f.code for f in Collapse()({"kl_1": 0.01, "kl_2": 0.01})] == ["posterior-collapse"]


def test_a_hierarchy_is_coded_by_its_top_and_reconstructed_from_all_levels() -> None:
    made, x = model(PICTURES, hierarchy=3), batch(PICTURES).x
    assert made.encode(x).shape == (8, 4) == (8, made.d_z)
    used = made.learner.method
    assert made.decode(made.encode(x)).shape == x.shape
    torch.testing.assert_close(made.reconstruct(x), used.decode_levels(used.codes(x)))


def test_a_hierarchy_is_computed_in_bfloat16_where_that_is_asked_for() -> None:
    settings = fitting(replace(SMALL, hierarchy=2, precision="bf16"), PICTURES)
    learner = prepared(build(settings, PICTURES), settings).learner
    exact = build(settings, PICTURES).learner.method
    exact.load_state_dict(learner.method.state_dict())
    x, noise = batch(PICTURES).x, [torch.randn(8, d) for d in exact.sizes]
    for name, term in learner.method.terms(x, noise, {}).items():
        expected = exact.terms(x, noise, {})[name]
        assert not torch.equal(term, expected), name
        torch.testing.assert_close(term, expected, rtol=0.05, atol=0.05)


def test_it_is_said_whether_draws_are_samples_or_means() -> None:
    assert model(POINTS).drawn == "samples of p(x|z)"
    assert model(POINTS, draws="mean").drawn.startswith("means of p(x|z)")


def test_the_kl_is_warmed_up_or_cycles_as_asked() -> None:
    assert model(POINTS).learner.method.beta(0) == 0
    assert model(POINTS).learner.method.beta(1) == 1
    assert model(POINTS, warmup=0, beta=2.0).learner.method.beta(0) == 2
    assert [model(POINTS, cycles=2).learner.method.beta(i) for i in (0, 5, 9)] == pytest.approx([0, 0, 1])


def test_the_floor_is_handed_on() -> None:
    likelihood = model(POINTS, likelihood="gaussian-map", floor=0.2).learner.method.likelihood
    assert isinstance(likelihood, GaussianMap)
    assert likelihood.floor == 0.2


@pytest.mark.parametrize(
    ("facts", "wrong", "said"),
    [
        (POINTS, {"conditional": True}, "--conditional needs labels"),
        (POINTS, {"likelihood": "bernoulli"}, "--likelihood bernoulli is of pixels"),
        (POINTS, {"likelihood": "mixed"}, "--likelihood mixed is of a table"),
        (POINTS, {"sigma": 0.0}, "--sigma 0.0"),
        (POINTS, {"sigma": 0.1, "likelihood": "gaussian-map"}, "belongs to --likelihood gaussian"),
        (POINTS, {"d_z": -1}, "--d-z -1"),
    ],
)
def test_settings_that_cannot_be_are_refused(facts: Facts, wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        fitting(replace(SMALL, **wrong), facts)
