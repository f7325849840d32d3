"""Wide words are left out, and a small run of both beginnings on the handwriting gives error rates."""

import os

import pytest
import torch

from likeness.data.lines import written
from likeness.data.memory import InMemory
from likeness.papers._seqclr_handwriting import WIDEST, handwriting, has_handwriting, narrow


def test_wide_words_are_left_out() -> None:
    x = torch.ones(3, 1, 32, 200)
    for row, end in zip(x, (20, 190, WIDEST), strict=True):
        row[..., 5:end] = -1
    kept = narrow(InMemory(x, torch.arange(3)[:, None]))
    assert kept.x.shape == (2, 1, 32, WIDEST)
    assert kept.y.flatten().tolist() == [0, 2]
    assert written(kept.x).tolist() == [20, WIDEST]


@pytest.mark.skipif(not os.environ.get("LIKENESS_DATA"), reason="the handwriting lies where LIKENESS_DATA says")
def test_both_beginnings_read(monkeypatch) -> None:
    from likeness.papers import _seqclr_handwriting

    assert has_handwriting()
    monkeypatch.setattr(_seqclr_handwriting, "SIZE", {"height": 32, "d": 16, "width": 4})
    found = handwriting(64, 1, (32,), 2, 0)
    assert set(found) == {f"hand32.{a}.{b}" for a in ("new", "taught") for b in ("cer", "words")}
