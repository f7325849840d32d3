"""The card's parts at small size: faults that are what they are called, and verdicts that can fail."""

import pytest
import torch

from likeness.papers.card import verdict
from likeness.papers.evaluation import BUDGETS, CARD, Budget, faulty, one_formula, passes, sizes, table, thirds

TINY = Budget("digits", None, 2, 1, 200, 4, 60)


@pytest.fixture(scope="module")
def parts():
    return thirds(TINY, 0)


def test_thirds_share_no_image(parts) -> None:
    images = {tuple(x.flatten().tolist()) for x in parts.train}
    assert not images & {tuple(x.flatten().tolist()) for x in parts.fresh}


def test_faults_are_what_they_are_called(parts) -> None:
    real = parts.fresh[:100]
    sets = faulty(parts, real, 0)
    train = {tuple(x.flatten().tolist()) for x in parts.train}
    assert all(tuple(x.flatten().tolist()) in train for x in sets["copies"])
    assert not any(tuple(x.flatten().tolist()) in train for x in sets["mixture"])
    assert len(sets["same"].unique(dim=0)) == 1
    assert sets["blur"].std() < real.std() < sets["noise"].std()
    assert all(x.shape[1:] == real.shape[1:] and len(x) == 100 for x in sets.values())


def test_a_single_image_scores_one(parts) -> None:
    assert one_formula(parts, parts.fresh[:1].expand(50, -1, -1, -1)) == pytest.approx(1, abs=1e-9)


def test_the_table_tells_the_faults_apart(parts) -> None:
    found = table(parts, 2, 0)
    assert found["factors"] < 1e-6
    assert found["copies.memorisation"] > 0.99
    assert found["five.recall"] < found["real.recall"]
    assert found["blur.frechet"] > found["noise.frechet"] > found["real.frechet"]


def test_small_sets_look_further_apart(parts) -> None:
    found = sizes(parts, 3, 0)
    assert found["frechet50"] > found["frechet100"] > found["frechet400"]


def test_the_card_names_what_is_measured(monkeypatch) -> None:
    monkeypatch.setitem(BUDGETS, "quick", TINY)
    found = CARD.measure(0, "quick")
    assert {c.key for c in CARD.claims} | {c.baseline for c in CARD.claims if c.baseline} <= set(found)
    assert all(torch.tensor(list(found.values())).isfinite())
    verdict(CARD, "laptop", {0: found}, 0.0)


def test_copies_that_are_punished_do_not_pass() -> None:
    numbers = {"real.frechet": 5.0, "real.frechet.sd": 1.0, "copies.frechet": 5.5}
    assert passes("frechet", -1)([numbers])
    assert not passes("frechet", -1)([numbers | {"copies.frechet": 7.0}])
