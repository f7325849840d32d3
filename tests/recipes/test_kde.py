"""Every open choice of a kernel density is made by the data; images are densities of pixels, by their components."""

from pathlib import Path

import pytest
import torch

from likeness.data import load
from likeness.data.batching import whole
from likeness.errors import InputError
from likeness.judge.features import raw
from likeness.recipes.common import Facts
from likeness.recipes.kde import Settings, build, fitting
from likeness.recipes.pipeline import begin, reopen, training
from likeness.sampling import draw

POINTS = Facts("vectors", (2,), (), (), 1000)
TABLE = POINTS._replace(kind="table")


def test_open_choices_are_made_and_others_kept() -> None:
    made = fitting(Settings(data="x", device="cpu", capacity=500), POINTS)
    assert (made.batch_size, made.steps, made.floor, made.principal) == (250, 200, 1e-3, None)
    assert fitting(made, POINTS) == made
    assert fitting(Settings(data="x"), TABLE).floor == 0.05
    assert len(build(made, POINTS).learner.method.points) == 500
    with pytest.raises(InputError, match="--capacity 0"):
        fitting(Settings(data="x", capacity=0), POINTS)


def test_images_have_a_density_that_learning_raises(tmp_path: Path) -> None:
    data = load("digits")
    settings = Settings(data="digits", out=tmp_path / "r", device="cpu", steps=30, principal=20, judge_every=30)
    session = begin("kde", settings, data)
    for _ in training(session, data, raw()):
        pass
    x = whole(data.test).x
    ours = session.model.log_prob(x).detach()
    gauss = torch.distributions.Normal(whole(data.train).x.mean(0), whole(data.train).x.std(0) + 0.05).log_prob(x)
    assert ours.mean() > gauss.flatten(1).sum(1).mean() + 3, "pixels are not independent"
    again = reopen(tmp_path / "r").model.sampler
    assert torch.equal(draw(again, 8, generator=1), draw(session.model.sampler, 8, generator=1))
