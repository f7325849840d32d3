"""Every open choice of a score network is made by the data, and a run comes back as it was."""

from pathlib import Path

import pytest
import torch

from likeness.data import load
from likeness.data.batch import Batch
from likeness.data.batching import whole
from likeness.errors import InputError
from likeness.judge.features import raw
from likeness.nn.adm_unet import UNet
from likeness.nn.time_mlp import TimeMLP
from likeness.recipes.common import Facts
from likeness.recipes.pipeline import begin, reopen, training
from likeness.recipes.score import Settings, build, fitting
from likeness.sampling import draw

POINTS = Facts("vectors", (2,), (), (), 1000)
PICTURES = Facts("images", (1, 8, 8), (), (), 1000)


def test_open_choices_are_made_and_others_kept() -> None:
    made = fitting(Settings(data="x", device="cpu", width=16), POINTS)
    assert (made.batch_size, made.ratio, made.sigma_last, made.width) == (256, 1.1, 0.01, 16)
    assert fitting(made, POINTS) == made
    image = fitting(Settings(data="x", device="cpu"), PICTURES)
    assert (image.ratio, image.sigma_last, image.batch_size) == (None, 0.02, 128)
    assert isinstance(build(made, POINTS).learner.method.F, TimeMLP)
    method = build(image, PICTURES).learner.method
    assert isinstance(method.F, UNet)
    assert 1.3 < method.gamma < 1.4
    assert build(made, POINTS).walks


@pytest.mark.parametrize("wrong", [{"sigma_last": 0.0}, {"ratio": 1.0}, {"sigma_first": 0.001}, {"chain_steps": 0}])
def test_numbers_out_of_their_range_are_told(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match="--"):
        fitting(Settings(data="x", **wrong), POINTS)


@pytest.mark.parametrize("event", [(1, 7, 7), (3, 28, 28), (1, 32, 32)])
def test_images_of_any_square_have_a_network(event: tuple[int, ...]) -> None:
    facts = PICTURES._replace(event=event)
    model = build(fitting(Settings(data="x", device="cpu", width=16), facts), facts)
    cost = model.learner.method
    cost.start(torch.randn(4, *event))
    assert cost.cost(torch.randn(2, *event)).shape == (2,)


def test_points_are_learned_and_the_run_comes_back(tmp_path: Path) -> None:
    data = load("moons")
    settings = Settings(data="moons", out=tmp_path / "r", device="cpu", steps=400, width=64, judge_every=400)
    session = begin("score", settings, data)
    for _ in training(session, data, raw()):
        pass
    x, real = draw(session.model.sampler, 300, generator=1), whole(data.test).x
    assert (x.mean(0) - real.mean(0)).abs().max() < 0.3
    assert (x.std(0) / real.std(0) - 1).abs().max() < 0.3
    again = reopen(tmp_path / "r").model.sampler
    assert torch.equal(draw(again, 8, generator=1), draw(session.model.sampler, 8, generator=1))
    method = session.model.learner.method
    assert float(method.reach) > 2, "the largest distance of two points"
    assert session.model.score[1](Batch(real).x).shape == (len(real),)
