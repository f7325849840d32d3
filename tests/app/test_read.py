"""A reader reads images, folders and lists, says how right it is where it can, and refuses what has no text."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from text_lines import image, write_lines

from likeness.data import load
from likeness.judge.features import raw
from likeness.recipes.pipeline import begin, training
from likeness.recipes.recogniser import Settings


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_lines(tmp_path_factory.mktemp("lines") / "words")


@pytest.fixture(scope="module")
def reader(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run, data = tmp_path_factory.mktemp("runs") / "reader", load(folder, size=8)
    settings = Settings(
        data=str(folder),
        out=run,
        device="cpu",
        steps=200,
        batch_size=16,
        width=8,
        d=16,
        size=8,
        judge_every=100,
        lr=1e-2,
    )
    for _ in training(begin("recogniser", settings, data), data, raw()):
        pass
    return run


def test_a_folder_with_texts_is_read_and_held_against_them(
    reader: Path, folder: Path, tmp_path: Path, likeness
) -> None:
    said = likeness("read", reader, "--data", folder, "--out", tmp_path / "t.csv")
    assert said.code == 0, said.err
    assert "of 90 lines" in said.err
    assert "character error rate" in said.err
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [r["file"] for r in rows] == [f"{i:03}.png" for i in range(90)]
    right = [r["text"] == r["true"] for r in rows]
    assert sum(right) > 80
    assert [r["edits"] == "0" for r in rows] == right


def test_images_alone_are_read_and_the_texts_make_a_list(reader: Path, tmp_path: Path, likeness) -> None:
    place = tmp_path / "new"
    place.mkdir()
    for name, text in (("a.png", "abab"), ("b.png", "b"), ("c.png", "abababab")):  # wider than any that was learned
        Image.fromarray(np.kron(image(text), np.ones((2, 2), np.uint8))).save(place / name)
    said = likeness("read", reader, "--data", place, "--out", place / "labels.tsv")
    assert said.code == 0, said.err
    assert (place / "labels.tsv").read_text() == "file\ttext\na.png\tabab\nb.png\tb\nc.png\tabababab\n"
    assert load(place, size=8).kind == "lines"
    one = likeness("read", reader, "--data", place / "a.png")
    assert one.code == 0, one.err
    assert "a.png\tabab" in (reader / "texts.tsv").read_text()


def test_what_cannot_be_read_is_said(reader: Path, trained: Path, tmp_path: Path, likeness) -> None:
    (tmp_path / "bad.png").write_bytes(b"no image")
    (tmp_path / "empty").mkdir()
    for words, clue in (
        ((trained, "--data", tmp_path), "which reads no text"),
        ((reader, "--data", "digits"), "no text lines"),
        ((reader, "--data", tmp_path / "bad.png"), "broken image bad.png"),
        ((reader, "--data", tmp_path / "empty"), "no images"),
        ((reader, "--data", tmp_path, "--out", tmp_path / "x.npy"), "written as .tsv or .csv"),
    ):
        said = likeness("read", *words)
        assert (said.code, clue in said.err) == (2, True), said.err
