"""The card runs at a small size; codes of it are right at any size, and its claims can fail."""

import pytest
import torch

from likeness.papers._representations import BUDGETS, Budget
from likeness.papers.card import verdict
from likeness.papers.swav import CARD, exact


def test_the_card_runs_and_gives_a_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BUDGETS, "quick", Budget(128, 64, 1, 64, 4))
    found = CARD.measure(0, "quick")
    assert torch.tensor(list(found.values())).isfinite().all()
    assert verdict(CARD, "quick", {0: found}, 0.0).passed


def test_features_of_one_point_cost_the_logarithm_of_the_prototypes() -> None:
    found = exact(3)
    assert found["one"] == pytest.approx(found["log"], abs=1e-4)
    assert found["codes.long"] < found["codes.three"]


def test_the_claims_can_fail() -> None:
    good = {"two.linear100": 84.9, "random.linear100": 68.6, "pixels.linear100": 75.1, "many.linear100": 85.0}
    good |= {
        "two.used": 96.0,
        "two.information": 0.57,
        "codes.three": 4.0,
        "codes.long": 0.1,
        "one": 4.60517,
        "log": 4.60517,
    }
    bad = {"two.linear100": 70.0, "two.used": 50.0, "two.information": 0.2, "codes.three": 30.0, "codes.long": 5.0}
    bad |= {"one": 4.0, "many.linear100": 60.0}
    held = [c for c in CARD.claims if c.holds is not None]
    assert all(c.holds([good]) for c in held)
    assert not any(c.holds([good | bad]) for c in held)
