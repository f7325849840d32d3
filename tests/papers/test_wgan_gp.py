"""The card's parts at small size, and verdicts that can fail."""

from functools import partial

import pytest
import torch

from likeness.data import load
from likeness.papers import _critics_alone, wgan_gp
from likeness.papers._critics_alone import clipped, penalised
from likeness.papers.card import verdict
from likeness.papers.wgan_gp import ARCHITECTURES, BUDGETS, CARD, Budget, Scaled, play

TINY = Budget(10, 2, 16, "digits", 2)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def ring():
    return load("ring8", limit=2000)


@pytest.fixture(autouse=True)
def few_samples(monkeypatch):
    monkeypatch.setattr(_critics_alone, "SEEN", 200)
    monkeypatch.setattr(wgan_gp, "SEEN", 200)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_plays_under_both_rules(name: str, ring) -> None:
    for rule in (clipped(), penalised()):
        found = play(ring, rule, TINY, 0, CPU, **ARCHITECTURES[name])
        assert set(found) == {"w1", "held"}
        assert found["w1"] > 0
        assert 1 <= found["held"] <= 8


def test_the_smooth_nonlinearity_is_nearly_the_identity_far_up() -> None:
    x = torch.tensor([10.0, -10.0, 0.0])
    assert torch.allclose(Scaled()(x), torch.tensor([10.0, -1.0, 0.0635]), atol=1e-3)


def test_the_card_names_what_is_measured(monkeypatch) -> None:
    monkeypatch.setitem(BUDGETS, "quick", TINY)
    monkeypatch.setattr(wgan_gp, "load", partial(load, limit=1000))
    found = CARD.measure(0, "quick")
    assert {c.key for c in CARD.claims} | {c.baseline for c in CARD.claims if c.baseline} <= set(found)
    assert all(torch.tensor(list(found.values())).isfinite())
    assert not verdict(CARD, "laptop", {0: found}, 0.0).passed, "two moves train nothing"
