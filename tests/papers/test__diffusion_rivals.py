import pytest
import torch

from likeness.data import load
from likeness.papers._diffusion import Eye
from likeness.papers._diffusion_rivals import RIVALS, Rival, of
from likeness.recipes.common import names


def test_the_rivals_are_recipes() -> None:
    assert {rival.recipe for rival in RIVALS.values()} <= set(names())


@pytest.mark.slow
def test_a_rival_ends_when_its_seconds_do_and_is_judged() -> None:
    data = load("digits", seed=0, limit=200)
    eye = Eye.of(data, 0, torch.device("cpu"))
    rival = Rival("gan", "GAN", {"steps": 100_000, "judge_every": 5})
    found = of(rival, data, eye, seed=0, seconds=0.5, draws=50)
    assert 0.5 < found["seconds"] < 30
    assert found["steps"] >= 5
    assert {"frechet", "precision", "recall", "milliseconds"} <= set(found)
