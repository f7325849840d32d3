"""The page holds what the records hold, and nothing else."""

from pathlib import Path

from likeness.papers import page
from likeness.papers.card import Card, Claim, Grid, verdict


def test_the_page_is_made_from_records(tmp_path: Path, monkeypatch) -> None:
    told = Card("x", "A title", "https://a.b", "About.", lambda *_: {}, (Claim("q", "a", "9", "b", lambda s: False),))
    monkeypatch.setattr(page, "card", lambda name: told)
    monkeypatch.setattr(page, "names", lambda: ["x"])
    assert "##" not in page.page(tmp_path)
    made = verdict(told, "laptop", {0: {"a": 1.23456, "b": 2.0}, 1: {"a": 3.0, "b": 4.0}}, 5.0).to_json()
    path = page.record(tmp_path, made)
    assert path == page.place(tmp_path, made)
    text = page.page(tmp_path)
    assert "## x (laptop): DOES NOT HOLD" in text
    assert "| q | 9 | 3 | 2.117 [1.235, 3] | NO |" in text
    assert "likeness reproduce x --seeds 2 --scale laptop" in text


def test_a_grid_is_a_table_of_means_with_gaps_where_nothing_was_measured() -> None:
    made = Grid({"a": "first", "b": "second", "c": "never run"}, {"x": "height", "y": "width"})
    head, rows = page.grid(made, [{"a.x": 1.0, "a.y": 2.0, "b.y": 5.0}, {"a.x": 2.0, "a.y": 2.0, "b.y": 6.0}])
    assert head == ["", "height", "width"]
    assert rows == [["first", "1.5", "2"], ["second", "", "5.5"]]
