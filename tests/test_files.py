"""A file is whole or absent, and a full disk is told in one line."""

import errno
from pathlib import Path

import pytest

from likeness.errors import InputError
from likeness.files import read_json, remove, replacing, tidy, write_json


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"a": 1})
    with pytest.raises(RuntimeError), replacing(path) as beside:
        beside.write_text("half")
        raise RuntimeError
    assert read_json(path) == {"a": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize(("number", "words"), [(errno.ENOSPC, "no space left"), (errno.EACCES, "cannot write")])
def test_the_disk_is_named(tmp_path: Path, number: int, words: str) -> None:
    path = tmp_path / "a.json"
    with pytest.raises(InputError, match=words), replacing(path):
        raise OSError(number, "system's own words")
    assert not path.exists()


def test_nan_is_no_json(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"a": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_reading_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_json(tmp_path / "a.json")
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(InputError, match="is not valid JSON"):
        read_json(tmp_path / "a.json")


def test_a_folder_is_whole_or_absent_too(tmp_path: Path) -> None:
    path = tmp_path / "many"
    path.mkdir()
    with replacing(path) as beside:
        beside.mkdir()
        (beside / "a").write_text("a")
    assert [p.name for p in path.iterdir()] == ["a"]
    with pytest.raises(InputError, match="cannot write"), replacing(path) as beside:  # it holds something now
        beside.mkdir()
    assert (path / "a").read_text() == "a"
    assert [p.name for p in tmp_path.iterdir()] == ["many"]


def test_a_disk_that_takes_nothing_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(InputError, match="Read-only file system"), replacing(tmp_path / "x"):
        refuse()


def test_removed_is_whole_or_gone(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    remove(tmp_path / "a")
    assert not list(tmp_path.iterdir())


def test_only_what_was_left_half_done_is_tidied(tmp_path: Path) -> None:
    for name in (".x.json.12", ".keep", ".x.json", "x.12"):
        (tmp_path / name).write_text("")
    (tmp_path / "in" / ".y.3").mkdir(parents=True)
    (tmp_path / "in" / ".y.3" / ".z.4").write_text("")
    tidy(tmp_path)
    assert sorted(p.name for p in tmp_path.rglob("*")) == [".keep", ".x.json", "in", "x.12"]
