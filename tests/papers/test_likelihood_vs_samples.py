"""The bound on the gap is a theorem, the memoriser's likelihoods go where they must, and all is named."""

import math

import pytest
import torch

from likeness.data import load
from likeness.papers import likelihood_vs_samples as card
from likeness.papers._blur import Steps
from likeness.papers.card import verdict
from likeness.papers.likelihood_vs_samples import CARD, Budget, diluted, mixture, of, widths


@pytest.fixture(scope="module")
def images():
    return of(load("digits", limit=500), 0)


def test_the_gap_is_at_most_log_100_for_each_image_and_draws_are_noise(images) -> None:
    good = mixture(images, 2, 0)
    poor = diluted(good, images, 0)
    with torch.no_grad():
        gap = good.log_prob(images.test).double() - poor.log_prob(images.test)
    assert gap.max() <= math.log(100) + 1e-6
    x = poor.sample(4000, generator=0)
    near = (x.abs() <= images.reach).all(1).float().mean()
    assert near > 0.985
    assert (x.mean(1).abs() < 0.3).float().mean() > 0.97, "noise is grey, digits are dark"


def test_the_noise_of_a_level_keeps_images_apart_from_none(images) -> None:
    assert images.train.shape[1] == 64
    assert images.train.abs().max() <= images.reach
    assert images.train.std(0).min() > 0, "no pixel is constant"


def test_the_memoriser_rises_on_what_it_holds_and_falls_on_the_rest(images) -> None:
    found = widths(images)
    assert found["rises"] == found["falls"] == 1
    assert found["h0.002.train"] > 200
    assert found["h0.002.test"] < -1e5


def test_the_card_names_what_is_measured(monkeypatch) -> None:
    monkeypatch.setitem(card.BUDGETS, "quick", Budget(("digits",), 400, {"digits": Steps(2, 2)}, 3))
    numbers = CARD.measure(0, "quick")
    assert verdict(CARD, "quick", {0: numbers}, 1.0).rows
    ours = [c for c in CARD.claims if "mnist" not in c.key]
    assert all(c.key in numbers and (c.baseline or c.key) in numbers for c in ours)
