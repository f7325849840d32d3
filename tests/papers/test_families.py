"""Every family fills its row of one table, and the bits it is held against are those of counted pixels."""

import math

import pytest
import torch

from likeness.papers import families
from likeness.papers.card import verdict
from likeness.papers.families import BUDGETS, CARD, FAMILIES, Budget, budgets, independent
from likeness.recipes.common import names

TINY = (Budget("digits", 300, 0.2, 4, 40),)
LEFT_OUT = {"made", "text"}  # recipes that are not for images
ELSEWHERE = {"classifier-guidance", "ebm", "ising", "score", "vaebm"}  # that build on a run, or draw by long chains
# that learn a representation and draw nothing
SILENT = {"align-uniform", "classifier", "moco", "recogniser", "relic", "rotation", "seqclr", "simclr", "swav"}
SILENT |= {"word-vectors"}


def test_every_recipe_for_images_has_a_row() -> None:
    assert {family.recipe for family in FAMILIES.values()} == set(names()) - LEFT_OUT - ELSEWHERE - SILENT


def test_bits_of_pixels_that_know_nothing_of_each_other() -> None:
    """A fair coin costs a bit; a pixel that never changes nothing, as the counts grow."""
    x = torch.tensor([[-1.0, 1.0], [1.0, 1.0]]).repeat(500, 1)
    coin, constant = 1.0, math.log2(1002 / 1001)
    assert independent(x, x) == pytest.approx((coin + constant) / 2, abs=1e-6)


def test_data_on_the_shelf_count_where_they_are(tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("LIKENESS_DATA", raising=False)
    assert [b.data for b in budgets("laptop")] == ["digits"]
    (tmp_path / families.FASHION).mkdir()
    monkeypatch.setenv("LIKENESS_DATA", str(tmp_path))
    assert [b.data for b in budgets("laptop")] == ["digits", families.FASHION]


@pytest.mark.slow
def test_the_table_is_whole(monkeypatch) -> None:
    monkeypatch.setitem(BUDGETS, "quick", TINY)
    found = CARD.measure(0, "quick")
    assert all(math.isfinite(value) for value in found.values())
    for name, family in FAMILIES.items():
        keys = {key.removeprefix(f"digits.{name}.") for key in found if key.startswith(f"digits.{name}.")}
        assert keys >= {"frechet", "frechet.low", "recall", "memorisation", "sharpness", "draw", "train"}
        assert ("bits" in keys) == bool(family.likelihood)
    assert {c.key for c in CARD.claims} | {c.baseline for c in CARD.claims if c.baseline} <= set(found)
    assert not verdict(CARD, "laptop", {0: found}, 0.0).passed, "four steps train no PixelCNN"
