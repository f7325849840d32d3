"""The card runs at a small size, a tuned encoder is a copy, and the claims can fail."""

import pytest
import torch

from likeness.data import load
from likeness.papers import _representations as shared
from likeness.papers import transfer
from likeness.papers._representations import Budget, Ground
from likeness.papers.card import verdict
from likeness.papers.transfer import CARD, EFFORTS, FIRST, WAYS, Effort, Reuse, above, reused, told


def test_the_card_runs_and_gives_a_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = Budget(160, 64, 1, 64, 4)
    monkeypatch.setitem(shared.BUDGETS, "quick", tiny)
    monkeypatch.setitem(EFFORTS, "quick", Effort({FIRST: tiny}, Reuse(20, 4, 2, 10)))
    monkeypatch.setattr(transfer, "WAYS", {way: WAYS[way] for way in ("simclr", "moco", "rotation", "supervised")})
    found = CARD.measure(0, "quick")
    assert torch.tensor(list(found.values())).isfinite().all()
    assert {"mnist.pixels.linear100", "mnist.rotation.knn100", "nothing", "contrast.tuned.early"} <= set(found)
    assert verdict(CARD, "quick", {0: found}, 0.0).passed


def test_encoders_that_are_used_again_stay_as_they_are() -> None:
    here = Ground(load("digits", limit=120), Budget(120, 64, 1, 64, 4), 0, torch.device("cpu"))
    f = shared.untrained(here)
    before = {k: v.clone() for k, v in f.state_dict().items()}
    found = reused({"own": f}, here, Reuse(20, 3, 1, 10))
    assert set(found) == {f"{a}{b}" for a in ("nothing", "own.frozen", "own.tuned") for b in ("", ".early")}
    assert all(torch.equal(v, before[k]) for k, v in f.state_dict().items())
    assert all(p.requires_grad for p in f.parameters())


def test_the_claims_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = told(FIRST)
    good = {f"{FIRST}.{way}.linear100": 85.0 for way in WAYS} | {f"{FIRST}.{way}.linear1000": 94.0 for way in WAYS}
    good |= {f"{FIRST}.random.linear100": 68.0}
    assert all(row.holds([good]) for row in rows)
    bad = good | {f"{FIRST}.random.linear100": 86.0, f"{FIRST}.supervised.linear1000": 90.0}
    assert not any(row.holds([bad]) for row in rows)
    assert not above("a", "b")([{"a": 1.0}])
