"""The card's parts at small size, and verdicts that can fail."""

from likeness.data import load, whole
from likeness.papers import text_generation
from likeness.papers.card import verdict
from likeness.papers.text_generation import BUDGETS, CARD, Budget, _text


def test_overlapping_windows_give_the_text_once() -> None:
    data = load("descriptions")
    text = _text(data)
    assert 0 <= 0.8 * 14_988 - len(text) < 20 + 1
    assert data.vocabulary.decode(whole(data.train, 1).x[0]) in text


def test_the_card_names_what_is_measured(monkeypatch) -> None:
    monkeypatch.setitem(BUDGETS, "quick", Budget(4, 16, 60, 2))
    found = text_generation.measure(0, "quick")
    told = [c for c in CARD.claims if c.key.startswith("descriptions")]
    assert {c.key for c in told} | {c.baseline for c in told if c.baseline} <= set(found)
    assert not verdict(CARD, "laptop", {0: found}, 0.0).passed, "four steps train nothing"
