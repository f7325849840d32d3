"""A card's exit code is its verdict, and its JSON is as documented."""

import json
from pathlib import Path

import pytest

from likeness.app import reproduce
from likeness.papers import card as frame
from likeness.papers.card import Card, Claim


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A card that holds for seeds below 2."""
    claims = (Claim("the seed", "seed", "below 2", None, lambda each: all(n["seed"] < 2 for n in each)),)
    told = Card("made-up", "A title", "https://a.b", "About.", lambda seed, scale: {"seed": float(seed)}, claims)
    for module in (frame, reproduce):
        monkeypatch.setattr(module, "names", lambda: ["made-up"])
        monkeypatch.setattr(module, "card", lambda name: told)


@pytest.mark.usefixtures("made_up")
@pytest.mark.parametrize(("seeds", "code"), [(2, 0), (3, 1)])
def test_the_exit_code_is_the_verdict(tmp_path: Path, likeness, seeds: int, code: int) -> None:
    out = tmp_path / "out.json"
    said = likeness("reproduce", "made-up", "--seeds", seeds, "--jobs", 1, "--json", out, "--record", tmp_path / "r")
    assert said.code == code, said.err
    made = json.loads(out.read_text())
    assert {"card", "passed", "seeds", "seconds", "rows"} <= set(made)
    assert (made["passed"], made["seeds"]) == (code == 0, list(range(seeds)))
    assert set(made["rows"][0]["ours"]) == {"mean", "low", "high"}
    assert json.loads((tmp_path / "r" / "made-up.laptop.json").read_text()) == made


def test_a_name_or_all(likeness) -> None:
    assert likeness("reproduce").code == 2
    assert "unknown card 'dsr'" in likeness("reproduce", "dsr").err


def test_all_cards_are_run_side_by_side(tmp_path: Path, likeness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two that take a second or so, each in a process of its own."""
    monkeypatch.setattr(reproduce, "names", lambda: ["relic", "seqclr"])
    out = tmp_path / "all.json"
    said = likeness("reproduce", "--all", "--quick", "--jobs", 2, "--json", out, "--record", tmp_path / "r")
    assert said.code == 0, said.err
    assert [made["card"] for made in json.loads(out.read_text())] == ["relic", "seqclr"]
    assert sorted(p.name for p in (tmp_path / "r").iterdir()) == ["relic.quick.json", "seqclr.quick.json"]
