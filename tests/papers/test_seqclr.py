"""The card runs at a small size, and its claims are true of the figures they describe and of no others."""

import pytest
import torch

from likeness.papers.card import verdict
from likeness.papers.seqclr import BUDGETS, CARD, Budget, frozen_reads, gains

TINY = Budget(64, 32, 16, 1, 2, 16, 2)


def test_the_card_runs_and_gives_a_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIKENESS_DATA", raising=False)
    monkeypatch.setitem(BUDGETS, "quick", TINY)
    found = CARD.measure(0, "quick")
    assert torch.tensor(list(found.values())).isfinite().all()
    outcome = verdict(CARD, "quick", {0: found}, 0.0)
    assert len(outcome.rows) >= 10


def test_the_claims() -> None:
    good = {"window.frozen.words": 52.0, "none.frozen.words": 0.0}
    good |= {"window.tuned.words": 66.0, "none.tuned.words": 60.0, "all.tuned.words": 58.0}
    assert frozen_reads([good])
    assert gains("none", [good])
    assert gains("all", [good])
    assert not frozen_reads([good | {"none.frozen.words": 6.0}])
    assert not frozen_reads([good | {"window.frozen.words": 34.0}])
    assert not gains("all", [good, good | {"all.tuned.words": 70.0}])
