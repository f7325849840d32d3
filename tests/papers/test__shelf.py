"""A data set is there where LIKENESS_DATA names the folder that holds its folder."""

from pathlib import Path

import pytest

from likeness.papers._shelf import shelf, there


def test_what_is_at_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mnist").mkdir()
    (tmp_path / "omniglot").write_text("a file")
    monkeypatch.setenv("LIKENESS_DATA", str(tmp_path))
    assert shelf("mnist") == tmp_path / "mnist"
    assert not there("omniglot")
    assert not there("elsewhere")
    monkeypatch.setenv("HOME", str(tmp_path.parent))
    monkeypatch.setenv("LIKENESS_DATA", f"~/{tmp_path.name}")
    assert there("mnist")
    monkeypatch.delenv("LIKENESS_DATA")
    assert not there("mnist")
