"""The card runs at a small size; its exact parts are right at any size, and its claims can fail."""

import pytest
import torch

from likeness.papers._representations import BUDGETS, Budget
from likeness.papers.align_uniform import CARD, exact, gap
from likeness.papers.card import verdict


def test_the_card_runs_and_gives_a_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BUDGETS, "quick", Budget(128, 64, 1, 64, 4))
    found = CARD.measure(0, "quick")
    assert torch.tensor(list(found.values())).isfinite().all()
    assert verdict(CARD, "quick", {0: found}, 0.0).passed


def test_more_negatives_come_nearer_to_the_limit() -> None:
    gaps = [gap(m, 1, repeats=16) for m in (32, 512, 4096)]
    assert gaps == sorted(gaps, reverse=True)


def test_points_are_spread() -> None:
    found = exact(1)
    assert found["spread"] <= found["ideal"]


def test_the_claims_can_fail() -> None:
    good = {"both.linear100": 86.1, "random.linear100": 68.6, "pixels.linear100": 75.1, "contrast.linear100": 86.0}
    good |= {"both.uniformity": -3.2, "align.uniformity": -0.01}
    bad = {"both.linear100": 70.0, "both.uniformity": -1.0, "align.uniformity": -1.0}
    held = [c for c in CARD.claims if c.holds is not None and c.key in bad]
    assert len(held) == 5
    assert all(c.holds([good]) for c in held)
    assert not any(c.holds([good | bad]) for c in held)
