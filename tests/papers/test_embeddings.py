"""The card's parts at small size, and verdicts that can fail."""

from likeness.embed.fitting import Passes
from likeness.papers import embeddings
from likeness.papers.card import verdict
from likeness.papers.embeddings import BUDGETS, CARD, Budget


def test_the_card_names_what_is_measured(monkeypatch) -> None:
    monkeypatch.delenv("LIKENESS_DATA", raising=False)
    monkeypatch.setitem(BUDGETS, "quick", Budget(300, 300, Passes(1, 512, 1e-4), Passes(1, 3000, 1e-4)))
    found = embeddings.measure(0, "quick")
    told = [c for c in CARD.claims if "tiny_shakespeare" not in c.key and "gutenberg" not in c.key]
    assert {c.key for c in told} | {c.baseline for c in told if c.baseline} <= set(found)
    assert not verdict(CARD, "laptop", {0: found}, 0.0).passed, "a rate of nearly nothing learns no analogies"
