"""A run that knows no classes draws them, by a classifier that learns at the run's levels; what is wrong is named."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from likeness.data import load
from likeness.data.batching import whole
from likeness.errors import InputError
from likeness.judge import classifier
from likeness.judge.features import raw
from likeness.recipes import classifier_guidance, diffusion, gan
from likeness.recipes.classifier_guidance import Settings, fitting
from likeness.recipes.common import Facts
from likeness.recipes.facts import facts_of
from likeness.recipes.pipeline import Session, begin, reopen, training
from likeness.sampling import draw

MOONS = load("moons")
FACTS = facts_of(MOONS)


def trained(recipe: str, settings, data=MOONS) -> Session:
    session = begin(recipe, settings, data)
    for _ in training(session, data, raw()):
        pass
    return session


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "d"
    trained(
        "diffusion", diffusion.Settings(data="moons", out=folder, device="cpu", steps=300, width=64, judge_every=300)
    )
    return folder


@pytest.fixture(scope="module")
def guided(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Session:
    folder = tmp_path_factory.mktemp("runs") / "g"
    given = {"out": folder, "device": "cpu", "steps": 300, "judge_every": 300}
    return trained("classifier-guidance", Settings(data="moons", model=str(run), **given))


def test_open_choices_are_made_by_the_data_and_the_run(run: Path) -> None:
    made = fitting(Settings(data="moons", model=str(run), device="cpu"), FACTS)
    its = diffusion.fitting(diffusion.Settings(data="moons", device="cpu"), FACTS)
    assert (made.rule, made.draw_steps, made.scale) == (its.rule, its.draw_steps, 1.0)
    assert fitting(made, FACTS) == made
    other = fitting(Settings(data="moons", model=str(run), device="cpu", rule="ddim", draw_steps=7), FACTS)
    assert (other.rule, other.draw_steps) == ("ddim", 7)


def test_draws_are_of_their_class(guided: Session) -> None:
    sampler = guided.model.sampler
    y = torch.arange(300) % 2
    known = whole(MOONS.train, 4000)
    space = classifier(known.x, known.y)
    for changed in ({}, {"rule": "ddim", "steps": 20}):
        x = sampler(300, generator=0, y=y, **changed)
        right = space.probabilities(space.extract(x)).argmax(1) == y
        assert float(right.float().mean()) > 0.9
    plain = sampler(300, generator=0, y=y, scale=0.0)
    right = space.probabilities(space.extract(plain)).argmax(1) == y
    assert 0.35 < float(right.float().mean()) < 0.65
    assert guided.model.drawing.classes == 2
    assert len(list(sampler.states(2, generator=0))) == guided.settings.draw_steps + 1


def test_a_run_can_be_opened_again(guided: Session) -> None:
    again = reopen(guided.run.folder).model.sampler
    assert torch.equal(draw(again, 8, generator=1), draw(guided.model.sampler, 8, generator=1))


def test_the_report_says_what_each_scale_gives(guided: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classifier_guidance, "DRAWN", 100)
    known = whole(MOONS.train, 4000)
    tables = guided.model.tables(MOONS, classifier(known.x, known.y))
    seen, scales = tables.values()
    accuracy = [row["accuracy"] for row in seen]
    assert accuracy == sorted(accuracy, reverse=True)
    assert accuracy[0] > 0.95
    assert [row["scale"] for row in scales] == [0, 0.5, 1, 2, 4, 10]
    assert scales[2]["of their class"] > scales[0]["of their class"] + 0.2
    assert scales[-1]["recall"] < scales[0]["recall"]
    without = guided.model.tables(MOONS, raw())
    assert "of their class" not in without["The scale of guidance"][0]


def test_what_is_wrong_is_named(run: Path, tmp_path: Path) -> None:
    base = Settings(data="moons", device="cpu", model=str(run))
    plain = Facts("vectors", (2,), (), (), 1000)
    wide = FACTS._replace(event=(3,))
    gan_run = trained("gan", gan.Settings(data="moons", out=tmp_path / "gan", device="cpu", steps=2, judge_every=2))
    for settings, facts, told in (
        (replace(base, model=None), FACTS, "train diffusion first"),
        (replace(base, model=str(gan_run.run.folder)), FACTS, "a run of gan"),
        (replace(base, scale=-1.0), FACTS, "--scale -1"),
        (replace(base, highest=0.0), FACTS, "--highest 0"),
        (base, plain, "have none"),
        (base, wide, "learned other data"),
    ):
        with pytest.raises(InputError, match=told):
            fitting(settings, facts)
