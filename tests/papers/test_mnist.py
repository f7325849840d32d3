"""The card's parts at small size: costs that are known, baselines that are counted, and verdicts that can fail."""

import math

import pytest
import torch

from likeness.data import InMemory, load
from likeness.papers import mnist
from likeness.papers.card import verdict
from likeness.papers.mnist import BUDGETS, CARD, alone, cost, spread_out


def test_independent_pixels_are_counted_with_one_added() -> None:
    x = torch.tensor([[-1.0, 0.0], [-1.0, 1.0]]).reshape(2, 1, 1, 2)
    test = torch.tensor([[-1.0, -1.0]]).reshape(1, 1, 1, 2)
    found = alone(InMemory(x), test, test, levels=3)
    assert found["histogram"] == pytest.approx(-(math.log2(3 / 5) + math.log2(1 / 5)) / 2)
    assert found["bernoulli"] == pytest.approx(-(math.log(3 / 4) + math.log(1 - 2.5 / 4)))


def test_independent_pixels_of_digits_cost_less_than_flat_ones() -> None:
    data = load("digits")
    x = spread_out(data.test, 100)
    assert len(x) >= 100
    found = alone(data.train, x, x.sign() + (x == 0), levels=17)
    assert 2 < found["histogram"] < math.log2(17) - 1
    assert cost(lambda part: torch.full((len(part),), -2.0), x) == 2


def test_the_card_names_what_is_measured(monkeypatch) -> None:
    few = BUDGETS["quick"]._replace(test=50, vae_steps=2, width=8, filters=4, layers=2, grey_steps=2, binary_steps=2)
    monkeypatch.setitem(BUDGETS, "quick", few)
    found = CARD.measure(0, "quick")
    assert {c.key for c in CARD.claims} | {c.baseline for c in CARD.claims if c.baseline} <= set(found)
    assert all(torch.tensor(list(found.values())).isfinite())
    assert not verdict(CARD, "quick", {0: found}, 0.0).passed, "two steps train nothing"


def test_sizes_are_published_ones_on_an_accelerator_and_smaller_elsewhere() -> None:
    assert BUDGETS["gpu"].test == 10_000
    event = (1, 28, 28)
    of = {scale: mnist.pixelcnn(event, mnist.Logistics(), BUDGETS[scale]) for scale in ("laptop", "gpu")}
    n = {scale: sum(p.numel() for p in model.parameters()) for scale, model in of.items()}
    assert n["laptop"] < 300_000 < n["gpu"]


GOOD = {
    "vae.elbo": 97.0,
    "vae.iw": 93.0,
    "vae.seconds": 200.0,
    "bernoulli": 206.0,
    "grey": 1.15,
    "grey.seconds": 250.0,
    "histogram": 1.8,
    "binary": 90.0,
    "binary.seconds": 150.0,
}


@pytest.mark.parametrize(
    "bad",
    [
        {"vae.elbo": 101.0},
        {"vae.iw": 101.0},
        {"vae.seconds": 901.0},
        {"vae.iw": 207.0},
        {"grey": 1.31},
        {"grey.seconds": 901.0},
        {"grey": 1.75, "histogram": 1.8},
        {"binary": 200.0},
    ],
    ids=str,
)
def test_each_verdict_can_fail(bad: dict[str, float]) -> None:
    assert verdict(CARD, "laptop", {0: GOOD}, 1.0).passed
    assert not verdict(CARD, "laptop", {0: GOOD, 1: GOOD | bad}, 1.0).passed
