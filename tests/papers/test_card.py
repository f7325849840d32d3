"""A card's verdict follows from its numbers, and can fail; seeds run apart give what they give together."""

from dataclasses import replace

import pytest

from likeness.errors import InputError
from likeness.papers.card import Card, Claim, card, measured, names, verdict

CARD = Card(
    "made-up",
    "A paper",
    "https://example.org",
    "Nothing is run.",
    lambda seed, scale: {"ours": float(seed), "theirs": 1.0},
    (
        Claim("a quantity", "ours", "3 ± 1", "theirs", lambda seeds: all(n["ours"] > n["theirs"] for n in seeds)),
        Claim("a figure that only shows", "theirs"),
    ),
)


def outcome(*seeds: int, scale: str = "laptop"):
    return verdict(CARD, scale, {s: CARD.measure(s, scale) for s in seeds}, 1.0)


def test_the_verdict_can_fail() -> None:
    assert outcome(2, 3).passed
    assert not outcome(1, 3).passed


def test_a_row_counts_only_at_its_scales() -> None:
    quick = outcome(0, 1, scale="quick")
    assert quick.passed
    assert (quick.rows[0]["holds"], quick.rows[0]["must"]) == (False, False)


def test_what_was_not_measured_has_no_row_unless_it_must_hold() -> None:
    shown, must = Claim("shown", "elsewhere"), Claim("must", "elsewhere", holds=lambda n: True)
    only = Card("one", "One", "https://example.org", "", lambda seed, scale: {}, (Claim("here", "a"), shown))
    assert [row["quantity"] for row in verdict(only, "laptop", {0: {"a": 1.0}}, 0.0).rows] == ["here"]
    with pytest.raises(KeyError):
        verdict(replace(only, claims=(must,)), "laptop", {0: {"a": 1.0}}, 0.0)


def test_rows_say_what_the_seeds_gave() -> None:
    row = outcome(2, 4).to_json()["rows"][0]
    assert row == {
        "quantity": "a quantity",
        "published": "3 ± 1",
        "baseline": 1.0,
        "ours": {"mean": 3.0, "low": 2.0, "high": 4.0},
        "holds": True,
        "must": True,
    }
    assert outcome(2).to_json()["rows"][1]["holds"] is None


def test_unknown_cards_and_empty_runs_are_refused() -> None:
    with pytest.raises(InputError, match="unknown card 'made-up'"):
        card("made-up")
    with pytest.raises(InputError, match="0 seeds"):
        list(measured([], "quick", 1))
    with pytest.raises(InputError, match="unknown card 'dsr'"):
        list(measured([("dsr", 0)], "quick", 1))


@pytest.mark.parametrize("name", names())
def test_every_card_is_told_whole(name: str) -> None:
    told = card(name)
    assert told.name == name
    assert told.url.startswith("https://")
    assert any(claim.holds for claim in told.claims), "a card without a verdict claims nothing"
