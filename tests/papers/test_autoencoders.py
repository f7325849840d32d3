"""The card runs at a small size, names what it measures, and every scale has what its claims need."""

import pytest
import torch

from likeness.papers.autoencoders import BUDGETS, CARD, Budget
from likeness.papers.card import verdict

TINY = Budget((2, 8), (8,), (0.3,), (0,), (4,), 2, 1, 200, 1, 0, 0)


def test_the_card_runs_and_gives_a_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BUDGETS, "quick", TINY)
    found = CARD.measure(0, "quick")
    assert torch.tensor(list(found.values())).isfinite().all()
    outcome = verdict(CARD, "quick", {0: found}, 0.0)
    assert len(outcome.rows) > 20
    assert {claim.key for claim in CARD.claims if "quick" in claim.scales} <= set(found)
