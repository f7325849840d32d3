"""Both layouts are read alike, texts come back, paper fills up, and whatever is wrong is named with its remedy."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from likeness.data import load, whole
from likeness.data.lines import PAD, UNKNOWN, decoded, encoded, padded, written
from likeness.data.memory import to_uint8
from likeness.data.vocabulary import characters
from likeness.errors import InputError
from likeness.recipes.facts import facts_of


def drawn(width: int, height: int = 32, seed: int = 0) -> np.ndarray:
    image = np.random.default_rng((seed, width)).integers(0, 200, (height, width)).astype(np.uint8)
    image[:2] = image[-2:] = 255
    return image


def folder(place: Path, texts: list[str | None], *, height: int = 32, seed: int = 0, header: bool = False) -> Path:
    place.mkdir(parents=True, exist_ok=True)
    rows = ["file\ttext"] if header else []
    for i, text in enumerate(texts):
        Image.fromarray(drawn(20 + i, height, seed)).save(place / f"{i}.png")
        rows.append(f"{i}.png" if text is None else f"{i}.png\t{text}")
    (place / "labels.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return place


TEXTS = [f"word{i % 10}" for i in range(40)]


def test_a_folder_is_lines_with_their_texts(tmp_path: Path) -> None:
    data = load(folder(tmp_path / "words", TEXTS, header=True))
    assert (data.kind, data.event) == ("lines", (1, 32, 59))
    assert "".join(data.vocabulary.characters) == "0123456789dorw"
    seen = {}
    for part in (data.train, data.validation, data.test):
        batch = whole(part)
        for x, text in zip(batch.x, decoded(batch.y, data.vocabulary), strict=True):
            seen[int(written(x[None]))] = text
            assert (x[..., int(written(x[None])) :] == 1).all(), "what fills up is paper"
    assert seen == {20 + i: text for i, text in enumerate(TEXTS)}, "each image keeps its own text"
    facts = facts_of(data)
    assert (facts.kind, facts.classes, facts.vocabulary) == ("lines", (), data.vocabulary.state())


def test_parts_have_folders_of_their_own(tmp_path: Path) -> None:
    for seed, part in enumerate(("train", "valid", "test")):
        folder(tmp_path / part, [f"{part} {i}" for i in range(5)], seed=seed)
    data = load(tmp_path)
    assert [len(p) for p in (data.train, data.validation, data.test)] == [5, 5, 5]
    assert sorted(decoded(whole(data.train).y, data.vocabulary)) == [f"train {i}" for i in range(5)]


def test_images_are_brought_to_one_height(tmp_path: Path) -> None:
    data = load(folder(tmp_path / "w", TEXTS[:9], height=64))
    assert data.event == (1, 32, 14)
    assert load(tmp_path / "w", size=16).event == (1, 16, 7)


def test_characters_of_held_out_texts_may_be_unknown(tmp_path: Path) -> None:
    folder(tmp_path / "train", ["ab", "b", ""])
    folder(tmp_path / "test", ["ax\N{LATIN SMALL LETTER SHARP S}b"] * 3, seed=1)
    data = load(tmp_path)
    assert data.vocabulary.characters in (("a", "b"), ("b",))  # one of the three validates
    y = whole(data.test).y
    assert (y == UNKNOWN).sum(1).unique().tolist() in ([2], [3])
    assert decoded(y, data.vocabulary)[0].count("\N{REPLACEMENT CHARACTER}") >= 2
    assert "unknown-characters" in {f.code for f in data.notes}


def test_an_empty_text_is_a_text_and_a_list_of_files_is_none(tmp_path: Path) -> None:
    known = characters("ab")
    y = encoded(["", "ba"], known)
    assert y.tolist() == [[PAD, PAD], [1, 0]]
    assert decoded(y, known) == ["", "ba"]
    data = load(folder(tmp_path / "w", [None] * 9))
    assert whole(data.train).y is None
    assert data.vocabulary is None
    assert data.kind == "lines"


def stored(place: Path) -> Path:
    """Ten lines of two words each."""
    place.mkdir()
    images = [drawn(40 + i) for i in range(10)]
    ends = np.cumsum([image.shape[1] for image in images])
    np.savez(place / "lines.npz", pixels=np.concatenate(images, 1), end=ends)
    rows = [
        {
            "x0": int(end) - image.shape[1],
            "x1": int(end),
            "text": f"ab {i}",
            "split": "train" if i < 6 else "valid" if i < 8 else "test",
            "words": None if i % 2 else [[0, 15, "ab"], [20, image.shape[1], str(i)]],
        }
        for i, (image, end) in enumerate(zip(images, ends, strict=True))
    ]
    (place / "lines.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    return place


def test_lines_side_by_side_and_their_words(tmp_path: Path) -> None:
    place = stored(tmp_path / "s")
    data = load(place)
    assert [len(p) for p in (data.train, data.validation, data.test)] == [6, 2, 2]
    batch = whole(data.train)
    for x, text in zip(batch.x, decoded(batch.y, data.vocabulary), strict=True):
        image = drawn(40 + int(text[-1]))
        assert np.array_equal(to_uint8(x)[0, :, : image.shape[1]].numpy(), image)
    words = load(place, label="words")
    assert [len(p) for p in (words.train, words.validation, words.test)] == [6, 2, 2]
    assert sorted(decoded(whole(words.train).y, words.vocabulary)) == ["0", "2", "4", "ab", "ab", "ab"]
    assert words.event == (1, 32, 28)
    assert words.fingerprint != data.fingerprint


def test_written_ends_with_the_last_ink() -> None:
    x = torch.ones(3, 1, 4, 10)
    x[0, 0, 2, 6] = -1
    x[1, 0, 0, 9] = 0.5
    assert written(x).tolist() == [7, 10, 0]
    assert padded([drawn(5), drawn(9)], 12).shape == (2, 1, 32, 12)


def test_dark_paper_is_told(tmp_path: Path) -> None:
    place = folder(tmp_path / "w", TEXTS[:9])
    assert "dark-paper" not in {f.code for f in load(place).notes}
    for path in place.glob("*.png"):
        Image.fromarray(255 - np.asarray(Image.open(path)) // 4).save(path)
        Image.fromarray((np.asarray(Image.open(path)) // 5).astype(np.uint8)).save(path)
    assert "dark-paper" in {f.code for f in load(place).notes}


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    place = folder(tmp_path / "w", TEXTS[:9])
    for wrong, said in (
        ({"label": "y"}, "second column"),
        ({"size": 4}, "height of text lines"),
        ({"channels": 3}, "as grey"),
    ):
        with pytest.raises(InputError, match=said):
            load(place, **wrong)
    good = (place / "labels.tsv").read_text()
    for rows, said in (
        ("", "is empty"),
        ("file\ttext\n", "is empty"),
        ("0.png\ta\n1.png\n", "the line of 1.png has no tab"),
        (good + "gone.png\tx\n", "gone.png, which is not there"),
        ("\n".join(f"{i}.png\t" for i in range(9)), "text is empty"),
    ):
        (place / "labels.tsv").write_text(rows)
        with pytest.raises(InputError, match=said):
            load(place)
    (place / "labels.tsv").write_bytes(b"0.png\t\xff")
    with pytest.raises(InputError, match="UTF-8"):
        load(place)
    (place / "labels.tsv").write_text(good)
    (place / "3.png").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"3\.png"):
        load(place)
    (place / "extra.png").write_bytes((place / "4.png").read_bytes())
    assert {"broken-files", "unlisted-images"} <= {f.code for f in load(place, skip_broken=True).notes}


def test_stored_lines_that_are_wrong_are_named(tmp_path: Path) -> None:
    place = stored(tmp_path / "s")
    with pytest.raises(InputError, match="words"):
        load(place, label="word")
    good = (place / "lines.jsonl").read_text()
    for rows, said in (
        (good + "{", "line 11"),
        (good.replace("x0", "y0", 1), "line 1 .KeyError"),
        (good.replace('"x1": 40', '"x1": 0', 1), "without columns"),
    ):
        (place / "lines.jsonl").write_text(rows)
        with pytest.raises(InputError, match=said):
            load(place)
    (place / "lines.jsonl").write_text(good)
    (place / "lines.npz").unlink()
    with pytest.raises(InputError, match=r"no lines\.npz"):
        load(place)


@pytest.mark.skipif(not os.environ.get("LIKENESS_DATA"), reason="the handwriting lies where LIKENESS_DATA says")
def test_the_handwriting_words() -> None:
    data = load("handwriting_lines", label="words")
    assert abs(len(data.train) - 5466) < 30  # without exact copies
    assert len(data.test) == 454
    assert data.event[:2] == (1, 32)
