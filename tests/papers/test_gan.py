"""The card's parts at small size: what is exact, what a game reports, and verdicts that can fail."""

import math

import pytest
import torch

from likeness.data import Mixture, load
from likeness.papers.card import verdict
from likeness.papers.gan import BUDGETS, CARD, SETTINGS, Budget, Setting, alone, critics, fits, grid, identity, play

TINY = Budget(40, 10, 20)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def ring():
    return load("ring8", limit=2000)


def test_the_identity_is_exact() -> None:
    assert identity()["identity"] < 1e-10


def test_kl_matches_the_moments_and_jsd_seeks_only_far_modes() -> None:
    found = fits()
    assert found["kl.mean"] == pytest.approx(-3 * 0.4, abs=1e-3)
    assert found["kl.std"] == pytest.approx(math.sqrt(0.7**2 + 9 - 1.2**2), abs=1e-3)
    assert found["jsd.std"] == pytest.approx(0.7, abs=0.01)
    assert found["near.std"] > 1.4


def test_a_critic_alone_learns_and_its_opponent_stands_still() -> None:
    found = critics(Budget(0, 0, 300), seed=0)
    assert found["critic"] < 0.1
    assert found["same"] == pytest.approx(math.log(4), abs=0.01)
    fresh, learned = (alone(Mixture(torch.tensor([[5.0]]), 0.5), Budget(0, 0, n), seed=0) for n in (1, 300))
    at_five = int((grid() - 5).abs().argmin())
    assert learned[at_five] > 3 > fresh[at_five]


def test_a_game_reports_what_was_seen(ring) -> None:
    found = play(Setting(2, 1e-3, orthogonal=False), ring, TINY, 0, CPU)
    assert set(found) == {"held", "least", "few", "changes", "quality"}
    assert 1 <= found["least"] <= found["held"] <= 8
    assert 0 <= found["few"] <= 1
    assert found["changes"] <= 3
    assert 0 <= found["quality"] <= 1


def test_a_game_is_the_same_for_the_same_seed(ring) -> None:
    seen = []
    for _ in range(2):
        torch.manual_seed(3)
        seen.append(play(SETTINGS["chase"], ring, TINY, 3, CPU))
    assert seen[0] == seen[1]


def test_every_setting_plays(ring) -> None:
    for setting in SETTINGS.values():
        play(setting, ring, TINY, 0, CPU)


def test_the_card_names_what_is_measured(monkeypatch) -> None:
    monkeypatch.setitem(BUDGETS, "quick", TINY)
    found = CARD.measure(0, "quick")
    assert {c.key for c in CARD.claims} | {c.baseline for c in CARD.claims if c.baseline} <= set(found)
    assert {name.split(".")[0] for name in found if name.count(".")} >= set(SETTINGS)
    assert not verdict(CARD, "laptop", {0: found}, 0.0).passed, "forty steps cure nothing"


def test_two_seeds_of_three_have_to_learn() -> None:
    (learns,) = (c.holds for c in CARD.claims if c.key == "log.quality")
    good, bad = {"log.held": 6, "log.quality": 0.7}, {"log.held": 8, "log.quality": 0.5}
    assert learns([good, good, bad])
    assert not learns([good, bad, bad])
    assert not learns([good, good, bad, bad])
