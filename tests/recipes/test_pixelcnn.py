"""Every open choice of a PixelCNN is made by the images, what is asked for trains and draws, the rest is refused."""

import math
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
from likeness.judge.features import pca
from likeness.recipes.common import Facts, Model
from likeness.recipes.pipeline import begin, reopen, training
from likeness.recipes.pixelcnn import Settings, build, fitting
from likeness.sampling import draw

GREY = Facts("images", (1, 8, 8), ("a", "b", "c"), (5, 3, 2), 100)
COLOUR = Facts("images", (3, 6, 6), (), (), 100)
POINTS = Facts("vectors", (2,), (), (), 1000)
SMALL = Settings(data="x", device="cpu", steps=10, batch_size=8, filters=6, layers=2)
ASKED: dict[str, tuple[Facts, dict[str, Any]]] = {
    "grey": (GREY, {}),
    "levels": (GREY, {"levels": 16, "mixtures": 1}),
    "binary": (GREY, {"binary": True}),
    "classes": (GREY, {"conditional": True, "ema": 0.0}),
    "colour": (COLOUR, {}),
    "colour, binary": (COLOUR, {"binary": True}),
}


def model(facts: Facts, **changed: Any) -> Model:
    return build(fitting(replace(SMALL, **changed), facts), facts)


def batch(facts: Facts) -> Batch:
    return Batch(torch.randint(16, (8, *facts.event)) / 7.5 - 1, torch.arange(8) % 3)


@pytest.mark.parametrize(("facts", "asked"), ASKED.values(), ids=ASKED)
def test_whatever_is_asked_for_trains_draws_and_states_a_probability(facts: Facts, asked: dict[str, Any]) -> None:
    made = model(facts, **asked)
    for _ in train(made.learner.method, [batch(facts)] * 3, made.learner.optimisers):
        made.learner.after()
    x = draw(made.sampler, 6, generator=0)
    assert x.shape == (6, *facts.event)
    assert made.levels == (2 if asked.get("binary") else asked.get("levels", 256))
    place = (x + 1) * (made.levels - 1) / 2
    assert (place - place.round()).abs().max() < 1e-3
    assert (made.log_prob(x) < 0).all()
    assert made.log_prob_kind == "exact"


@pytest.mark.parametrize("facts", [GREY, COLOUR, GREY._replace(event=(1, 28, 28)), COLOUR._replace(event=(3, 32, 32))])
def test_open_choices_are_made_and_others_kept(facts: Facts) -> None:
    made = fitting(Settings(data="x", layers=3), facts)
    assert made.layers == 3
    assert None not in (made.filters, made.mixtures, made.steps, made.batch_size)
    assert fitting(made, facts) == made
    binary = fitting(Settings(data="x", binary=True), facts)
    assert fitting(binary, facts) == binary


def test_draws_and_probabilities_are_those_of_the_averaged_weights() -> None:
    made, x = model(GREY, ema=0.9), batch(GREY).x
    before = draw(made.sampler, 5, generator=0), made.log_prob(x)
    with torch.no_grad():
        for p in made.learner.method.parameters():
            p.add_(0.1)
    assert torch.equal(before[0], draw(made.sampler, 5, generator=0))
    assert torch.equal(before[1], made.log_prob(x))
    made.learner.after()
    torch.testing.assert_close(made.log_prob(x), made.learner.method.log_prob(x).detach())


def test_a_binary_model_is_scored_on_binary_pixels_and_others_by_their_likelihood() -> None:
    assert model(GREY).score is None
    name, cost = model(GREY, binary=True).score
    assert name == "nll"
    grey = torch.zeros(400, 1, 8, 8)
    assert cost(grey).std() > 0, "the pixels are drawn"


def test_a_run_is_learned_chosen_by_likelihood_and_opened_again(tmp_path: Path) -> None:
    data = load("digits")
    settings = replace(SMALL, data="digits", out=tmp_path / "r", steps=40, judge_every=20, levels=17, batch_size=32)
    session = begin("pixelcnn", settings, data)
    scores = [t.score for t in training(session, data, pca(whole(data.train).x, None)) if t.score is not None]
    assert {s.metric for s in scores} == {"nll"}
    assert scores[-1].value < 64 * math.log(17)
    again = reopen(tmp_path / "r")
    x = whole(data.test, 20).x
    torch.testing.assert_close(again.model.log_prob(x), session.model.log_prob(x))
    assert torch.equal(draw(again.model.sampler, 4, generator=1), draw(session.model.sampler, 4, generator=1))


def test_pixels_that_are_not_of_the_levels_are_named_before_a_step(tmp_path: Path) -> None:
    data = load("digits")
    settings = replace(SMALL, data="digits", out=tmp_path / "r", levels=12)
    with pytest.raises(InputError, match="not of 12 levels from -1 to 1: give the levels"):
        list(training(begin("pixelcnn", settings, data), data, pca(whole(data.train).x, None)))


@pytest.mark.parametrize(
    ("facts", "wrong", "said"),
    [
        (POINTS, {}, "is for images and these are vectors"),
        (POINTS._replace(kind="table"), {}, "these are table"),
        (COLOUR, {"conditional": True}, "--conditional needs labels"),
        (GREY, {"levels": 1}, "--levels 1"),
        (GREY, {"binary": True, "levels": 17}, "--binary pixels have two levels"),
        (GREY, {"binary": True, "mixtures": 3}, "--binary pixels have two levels"),
        (GREY, {"filters": 0}, "--filters 0"),
        (GREY, {"layers": -1}, "--layers -1"),
    ],
)
def test_settings_that_cannot_be_are_refused(facts: Facts, wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        fitting(replace(SMALL, **wrong), facts)
