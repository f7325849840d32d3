"""The cards are listed with their papers; the page is written whole."""

from pathlib import Path

from likeness.papers.card import names


def test_every_card_is_listed(likeness) -> None:
    shown = likeness("papers")
    assert shown.code == 0
    assert all(name in shown.out for name in names())


def test_the_page_is_written(tmp_path: Path, likeness) -> None:
    assert likeness("papers", "--page", tmp_path / "results.md", "--records", tmp_path).code == 0
    assert (tmp_path / "results.md").read_text().startswith("# Results")
