import torch

from likeness.data import load
from likeness.data.batching import whole
from likeness.diffusion.schedules import cosine
from likeness.nn.adm_unet import Plan
from likeness.papers._diffusion import model
from likeness.papers._diffusion_guidance import Budget, classifier, free

SMALL = Budget(40, 2, 60, 16, 8)


def test_the_classifier_learns_to_see_through_little_noise() -> None:
    data = load("digits", seed=0)
    noisy, test = classifier(data, SMALL, 0, torch.device("cpu")), whole(data.test, 100)
    levels = noisy.schedule.sigmas[[0, -1]]
    low, high = noisy.accuracy(test.x, test.y, levels).tolist()
    assert low > 0.4
    assert high < 0.3


def test_guidance_by_labels_moves_draws_with_its_scale() -> None:
    data = load("digits", seed=0, limit=100)
    made = model(data, cosine(40), Plan(16, (1, 2), blocks=1, attention=(4,)), learned=True, conditional=True, drop=0.1)
    for p in made.parameters():
        torch.nn.init.normal_(p, std=0.05)
    at, y = free(made, 10, torch.device("cpu")), torch.arange(4)
    plain, same, strong = (at(scale)(4, generator=0, y=y) for scale in (1.0, 1.0, 4.0))
    assert torch.equal(plain, same)
    assert not torch.allclose(plain, strong)
