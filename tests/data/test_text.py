"""Windows of contiguous parts: none crosses a split, files and folders are read alike, bad ones are named."""

import zipfile
from pathlib import Path

import pytest
import torch

from likeness.data import load, whole
from likeness.data.text import divided
from likeness.errors import InputError

TEXT = "".join(f"line {i} of a small text.\n" for i in range(200))


def test_windows_are_parts_of_their_own_split(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT)
    data = load(tmp_path / "a.txt", length=16)
    assert (data.kind, data.event) == ("text", (16,))
    parts = divided({"train": TEXT})
    assert "".join(parts.values()) == TEXT
    for name, part in parts.items():
        x = whole(getattr(data, name)).x
        assert all(data.vocabulary.decode(row) in part for row in x)
    assert len(data.test) >= 100, "windows of a short text overlap"
    (tmp_path / "b.txt").write_text(TEXT * 5)
    held = whole(load(tmp_path / "b.txt", length=16).test).x
    assert held.numel() == len(divided({"train": TEXT * 5})["test"]) // 16 * 16, "every token is judged by once"


def test_a_folder_and_a_zip_are_read_as_one(tmp_path: Path) -> None:
    folder = tmp_path / "books"
    folder.mkdir()
    half = len(TEXT) // 2
    (folder / "1.txt").write_text(TEXT[:half])
    (folder / "2.txt").write_text(TEXT[half + 1 :])
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as z:
        for f in folder.glob("*.txt"):
            z.write(f, f.name)
    a, b = load(folder), load(tmp_path / "b.zip")
    assert (whole(a.train).x == whole(b.train).x).all()
    (folder / "1.txt").rename(folder / "train.txt")
    (folder / "2.txt").rename(folder / "test.txt")
    own = load(folder, length=16)
    assert all(own.vocabulary.decode(row) in TEXT[half + 1 :] for row in whole(own.test).x)


def test_pieces_and_limits() -> None:
    data = load("descriptions", tokens="pieces", pieces=200, length=20, limit=30)
    assert (len(data.train), len(data.vocabulary)) == (30, 200)
    assert data.fingerprint != load("descriptions", length=20, limit=30).fingerprint


def test_bad_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    for raw, clue in (
        (b"", "is empty"),
        (b"  \n", "is empty"),
        (b"short", "part of the text has"),
        (b"\xff\xfe", "UTF-8"),
    ):
        path.write_bytes(raw)
        with pytest.raises(InputError, match=clue):
            load(path)
    with pytest.raises(InputError, match="is text"):
        load("descriptions", size=8)


def test_text_may_be_cut_into_words(tmp_path) -> None:
    (tmp_path / "a.txt").write_text("one two three four. " * 200)
    data = load(tmp_path / "a.txt", tokens="words", length=8)
    assert data.vocabulary.words == ("<unk>", "four", "one", "three", "two")
    assert data.event == (8,)
    assert data.vocabulary.decode(data.test[torch.tensor([0])].x[0]).count(" ") == 8
