"""A mixture goes the way of every recipe: it finds the modes, comes back, and is judged by its density."""

from pathlib import Path

import pytest
import torch

from likeness.data import load
from likeness.errors import InputError
from likeness.judge.features import raw
from likeness.recipes.common import Facts
from likeness.recipes.mixture import Settings, build, fitting
from likeness.recipes.outcome import table_of
from likeness.recipes.pipeline import begin, reopen, training
from likeness.sampling import draw

POINTS = Facts("vectors", (2,), (), (), 1000)
PICTURES = Facts("images", (1, 8, 8), (), (), 100)


@pytest.mark.parametrize("facts", [POINTS, PICTURES])
def test_open_choices_are_made_and_others_kept(facts: Facts) -> None:
    made = fitting(Settings(data="x", device="cpu", floor=0.5, components=3), facts)
    assert (made.floor, made.components, made.steps) == (0.5, 3, 20)
    assert (made.principal == 32) == (facts is PICTURES)
    assert fitting(made, facts) == made
    assert build(made, facts).learner.method.log_prob_kind == "exact"


def test_what_does_not_suit_is_refused() -> None:
    with pytest.raises(InputError, match="--principal 3 is for images"):
        fitting(Settings(data="x", principal=3), POINTS)
    with pytest.raises(InputError, match="bf16"):
        fitting(Settings(data="x", precision="bf16"), POINTS)


def test_it_is_judged_by_its_density_and_comes_back(tmp_path: Path) -> None:
    data = load("ring8")
    settings = Settings(data="ring8", out=tmp_path / "r", device="cpu", steps=4, batch_size=1000, components=8)
    session = begin("mixture", settings, data)
    for _ in training(session, data, raw()):
        pass
    assert session.model.learner.method.components == 8
    again = reopen(tmp_path / "r")
    assert torch.equal(draw(again.model.sampler, 50, generator=1), draw(session.model.sampler, 50, generator=1))
    row = table_of(session.model.sampler, data, raw(), session, print).of("log_likelihood")
    ceiling = float(data.truth.log_prob(data.test[torch.arange(len(data.test))].x).mean())
    assert row.detail["kind"] == "exact"
    assert ceiling - 0.1 < row.value < ceiling + 0.05
