"""The card's parts at small size, and verdicts that can fail."""

from dataclasses import replace

import torch

from likeness.data import load
from likeness.papers.card import verdict
from likeness.papers.exemplar_vae import CARD, DIGIT_CLAIMS, DIGITS, LARGE_CLAIMS, classified, pair, speed

GOOD = {
    "digits.exemplar.bound": -22.3,
    "digits.gaussian.bound": -22.8,
    "digits.exemplar.knn": 96.5,
    "digits.gaussian.knn": 96.6,
    "augmented.accuracy": 92.0,
    "plain.accuracy": 92.2,
    "digits.exemplar.seconds": 20.0,
    "digits.gaussian.seconds": 10.0,
    "digits.sigma": 1.0,
    "mnist.exemplar.bound": -92.0,
    "mnist.gaussian.bound": -97.0,
    "mnist.exemplar.knn": 97.0,
    "mnist.gaussian.knn": 97.0,
    "mnist.exemplar.seconds": 200.0,
    "mnist.gaussian.seconds": 30.0,
    "speed.retrieval": 10.0,
    "speed.all": 4.0,
    "mnist.sigma": 1.0,
}


def test_a_pair_is_measured() -> None:
    data, budget = load("digits", limit=300), DIGITS["quick"]._replace(epochs=2, width=16, test=40, k=2)
    found, model = pair("digits", data, budget, 0, torch.device("cpu"))
    assert {k for k in found if k.startswith("digits")} <= GOOD.keys()
    found |= classified(data, model, 0, epochs=3) | speed(model, data, torch.device("cpu"), n=2)
    assert all(torch.tensor(v).isfinite() for v in found.values())


def test_each_verdict_can_fail() -> None:
    bad = [
        {"digits.exemplar.bound": -22.7},
        {"digits.exemplar.bound": -22.9},
        {"digits.exemplar.knn": 95.0},
        {"augmented.accuracy": 91.0},
        {"mnist.exemplar.bound": -98.0},
        {"speed.retrieval": 3.0},
    ]
    card = replace(CARD, claims=DIGIT_CLAIMS + LARGE_CLAIMS)
    assert verdict(card, "laptop", {0: GOOD}, 1.0).passed
    for change in bad:
        assert not verdict(card, "laptop", {0: GOOD | change}, 1.0).passed, change
    assert verdict(card, "quick", {0: GOOD | bad[0]}, 1.0).passed, "less is claimed of a quick run"
    assert not verdict(card, "quick", {0: GOOD | bad[1]}, 1.0).passed
