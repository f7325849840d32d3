"""The card runs at a small size, and its claims can fail."""

import pytest
import torch
from torch import Tensor

from likeness.papers import relic
from likeness.papers._representations import Budget
from likeness.papers.card import verdict
from likeness.papers.relic import CARD, EFFORTS, Effort
from likeness.represent.probes import Probe, fitted_linear


def test_the_card_runs_and_gives_a_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EFFORTS, "quick", Effort(Budget(128, 64, 1, 64, 4), 1))
    monkeypatch.setattr(relic, "fitted_linear", quick_probe)
    found = CARD.measure(0, "quick")
    assert torch.tensor(list(found.values())).isfinite().all()
    assert len(verdict(CARD, "quick", {0: found}, 0.0).rows) == len(CARD.claims)


def quick_probe(z: Tensor, y: Tensor) -> Probe:
    return fitted_linear(z, y, strengths=(0.1,))


def test_the_claims_can_fail() -> None:
    good = {"alpha5.invariance": 0.1, "alpha1.invariance": 0.55, "alpha0.invariance": 0.755}
    good |= {"alpha1.shifted": 67.1, "pixels.shifted": 44.7, "alpha1.few": 88.0, "alpha0.few": 86.8, "alpha5.few": 88.1}
    good |= {"alpha1.linear": 98.5, "alpha0.linear": 98.2}
    bad = {
        "alpha5.invariance": 0.5,
        "alpha1.shifted": 50.0,
        "alpha1.few": 80.0,
        "alpha5.few": 80.0,
        "alpha1.linear": 90.0,
    }
    held = [c for c in CARD.claims if c.holds is not None]
    assert all(c.holds([good]) for c in held)
    assert not any(c.holds([good | bad]) for c in held)
