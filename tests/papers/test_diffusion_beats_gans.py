"""The card fills its rows, and its verdicts can fail."""

import math

import pytest

from likeness.papers import _diffusion_guidance
from likeness.papers._diffusion_rivals import RIVALS, SETS
from likeness.papers.card import verdict
from likeness.papers.diffusion_beats_gans import BUDGETS, CARD, WORDS, Budget, best, mean

TINY = Budget(_diffusion_guidance.Budget(22, 2, 2, 16, 8), 20, 1, {}, None, 0)


@pytest.mark.slow
def test_every_row_has_its_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BUDGETS, "quick", TINY)
    found = CARD.measure(0, "quick")
    assert all(math.isfinite(value) for value in found.values())
    fewer = {f"ddim{n}" for n in (25, 50, 100)} | {"ddpm25", "ddpm50"}  # of more steps than this schedule has
    rivals = {f"{name}.{way}" for name in SETS for way in RIVALS}
    things = {key.rsplit(".", 1)[0] for key in found}
    assert set(WORDS) - things <= fewer | rivals
    outcome = verdict(CARD, "laptop", {0: found | dict.fromkeys(_missing(found), 1.0)}, 0.0)
    assert not outcome.passed, "two steps train no diffusion model"


def _missing(found) -> set[str]:
    named = {c.key for c in CARD.claims} | {c.baseline for c in CARD.claims if c.baseline}
    return named - set(found)


def test_the_best_scale_and_the_mean_over_seeds() -> None:
    n = {"guided0.frechet": 3.0, "guided1.frechet": 2.0, "guided10.frechet": 4.0}
    assert best(n, "guided", (0, 1, 10)) == 1
    assert mean(lambda m: m["a"] > 1)([{"a": 0.5}, {"a": 2.0}])
    assert not mean(lambda m: m["a"] > 1)([{"a": 0.5}, {"a": 1.2}])
