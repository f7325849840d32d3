import pytest
import torch

from likeness.data import load
from likeness.data.batching import whole
from likeness.diffusion.schedules import cosine
from likeness.nn.adm_unet import Plan
from likeness.papers._diffusion import Eye, model, trained


@pytest.fixture(scope="module")
def seen():
    data = load("digits", seed=0, limit=400)
    return data, Eye.of(data, 0, torch.device("cpu"))


@pytest.mark.slow
def test_an_eye_prefers_digits_and_knows_their_classes(seen) -> None:
    data, eye = seen
    train = whole(data.train)
    real, noise = eye.scores(train.x), eye.scores(torch.rand_like(train.x) * 2 - 1)
    assert real["frechet"] < noise["frechet"] / 10
    assert real["precision"] > noise["precision"]
    assert eye.accuracy(train.x, train.y) > 0.9
    assert eye.accuracy(train.x, (train.y + 1) % 10) < 0.1


def test_a_model_is_trained_and_its_average_is_used(seen) -> None:
    data, _ = seen
    made = model(data, cosine(20), Plan(16, (1, 2), blocks=1, attention=(4,)), learned=True, conditional=True)
    before = {k: v.clone() for k, v in made.state_dict().items() if v.is_floating_point()}
    after, seconds = trained(made, data, 2, 0)
    assert after is not made
    assert seconds > 0
    assert any(not torch.equal(before[k], after.state_dict()[k]) for k in before)
    assert after.sample(3, generator=0).shape == (3, 1, 8, 8)
