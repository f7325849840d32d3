"""The card's baselines keep what they are said to keep, and its verdicts can fail."""

import pytest
import torch

from likeness.data import load, whole
from likeness.judge.tables import compare
from likeness.papers import tables
from likeness.papers.card import verdict
from likeness.papers.tables import CARD, FAMILIES, NAMES, Budget, copula, half_of_independent, independent, told

DATA = load("mixed-table", limit=3000)
X, TEST = whole(DATA.train).x, whole(DATA.test, 2000).x


def test_independent_columns_lose_the_association_and_a_copula_keeps_a_part() -> None:
    apart, tied = (made(X, DATA.columns, 2000, 0) for made in (independent, copula))
    a, b = (compare(x, TEST, DATA.columns) for x in (apart, tied))
    assert max(a.marginals.mean[0], b.marginals.mean[0]) < 0.05
    assert b.association.mean[0] < 0.6 * a.association.mean[0]
    for x in (apart, tied):
        torch.testing.assert_close(DATA.columns.legal(x), x)


def test_a_copula_ties_numbers_by_their_ranks() -> None:
    tied = copula(X, DATA.columns, 3000, 0)
    i, j = (DATA.columns.entries.index(name) for name in ("height", "delay"))
    real, ours = (float(torch.corrcoef(x[:, [i, j]].argsort(0).argsort(0).double().T)[0, 1]) for x in (X, tied))
    assert ours == pytest.approx(real, abs=0.05)


def test_illegal_rows_are_counted() -> None:
    x = X[:500].clone()
    assert told(x, TEST, DATA.columns, 0)["illegal"] == 0
    x[:3, DATA.columns.entries.index("kind: basic")] = 0.5
    assert told(x, TEST, DATA.columns, 0)["illegal"] == 3


def test_the_card_names_what_is_measured(monkeypatch) -> None:
    monkeypatch.setitem(tables.BUDGETS, "quick", Budget(600, 300, {"vae": 3, "flow": 2, "gan": 3, "mixture": 1}))
    numbers = CARD.measure(0, "quick")
    assert verdict(CARD, "quick", {0: numbers}, 1.0).rows
    assert all(claim.key in numbers and (claim.baseline or claim.key) in numbers for claim in CARD.claims)
    assert all(f"{thing}.{measure}" in numbers for thing in CARD.grid.things for measure in CARD.grid.measures)
    assert set(FAMILIES) < set(NAMES)


def test_a_family_that_loses_half_does_not_hold() -> None:
    assert half_of_independent("vae", {"vae.association": 0.1, "independent.association": 0.3})
    assert not half_of_independent("vae", {"vae.association": 0.2, "independent.association": 0.3})
