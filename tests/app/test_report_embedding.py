"""The page is written from any file of features; what is wrong is said in words, mistakes are one line."""

import json
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, rng = tmp_path_factory.mktemp("features"), np.random.default_rng(0)
    y = np.arange(120) % 3
    z = np.eye(8)[y] + 0.3 * rng.normal(size=(120, 8))
    np.save(folder / "z.npy", z.astype(np.float32))
    np.savez(folder / "z.npz", x=z)
    np.savetxt(folder / "z.csv", z, delimiter=",", header=",".join("abcdefgh"), comments="")
    np.save(folder / "pairs.npy", z + 0.01 * rng.normal(size=z.shape))
    np.save(folder / "y.npy", np.array(["ape", "nut", "sea"])[y])
    np.save(folder / "floats.npy", y + 0.5)
    np.save(folder / "images.npy", rng.integers(0, 255, size=(120, 6, 6), dtype=np.uint8))
    np.save(folder / "flat.npy", z[0])
    np.save(folder / "words.npy", np.array(["a", "b"]))
    z[4] = np.nan
    np.save(folder / "nan.npy", z)
    return folder


def test_everything_that_is_given_is_on_the_page(files: Path, tmp_path: Path, likeness) -> None:
    given = ["--labels", files / "y.npy", "--pairs", files / "pairs.npy", "--images", files / "images.npy", "--no-map"]
    out = tmp_path / "r.html"
    said = likeness("report-embedding", files / "z.npy", *given, "--out", out, "--json", tmp_path / "r.json")
    assert said.code == 0, said.err
    page, found = out.read_text(), json.loads((tmp_path / "r.json").read_text())
    assert all(word in page for word in ("ape", "data:image/png", "alignment (pairs)", "discriminant ratio"))
    assert set(found) == {"rows", "spread", "pairs", "neighbours", "classes"}
    assert found["classes"]["numbers"]["class nut"]["rows"] == 40
    assert "nothing was found wrong" in said.err
    assert "ideal uniformity" in said.out


def test_features_alone_in_any_kind_of_file_give_the_same(files: Path, tmp_path: Path, likeness) -> None:
    found = []
    for name in ("z.npy", "z.npz", "z.csv"):
        words = ["--no-map", "--out", tmp_path / "r.html", "--json", tmp_path / "r.json"]
        said = likeness("report-embedding", files / name, *words)
        assert said.code == 0, said.err
        found.append(json.loads((tmp_path / "r.json").read_text())["spread"]["numbers"]["effective rank"])
    assert found == pytest.approx([found[0]] * 3, rel=1e-4)


def test_a_row_that_is_not_finite_is_told_and_the_rest_looked_at(files: Path, tmp_path: Path, likeness) -> None:
    said = likeness("report-embedding", files / "nan.npy", "--no-map", "--out", tmp_path / "r.html")
    assert said.code == 0, said.err
    assert "1 of 120 rows hold NaN or infinity; the first is row 4" in said.err


def test_maps_are_drawn(files: Path, tmp_path: Path, likeness) -> None:
    said = likeness("report-embedding", files / "z.npy", "--labels", files / "y.npy", "--out", tmp_path / "r.html")
    assert said.code == 0, said.err
    assert "t-SNE" in (tmp_path / "r.html").read_text()


@pytest.mark.parametrize(
    ("words", "clue"),
    [
        (["nowhere.npy"], "does not exist"),
        (["flat.npy"], "features are rows"),
        (["words.npy"], "not numbers"),
        (["z.npy", "--labels", "floats.npy"], "one class for each row"),
        (["z.npy", "--labels", "nowhere.npy"], "labels as a .npy"),
        (["z.npy", "--labels", "words.npy"], "120 rows of features and 2 labels"),
        (["z.npy", "--pairs", "images.npy"], "features are rows"),
        (["z.npy", "--images", "z.npy"], "images are"),
    ],
)
def test_mistakes_are_one_line(files: Path, tmp_path: Path, likeness, words: list[str], clue: str) -> None:
    given = [w if w.startswith("--") else files / w for w in words]
    said = likeness("report-embedding", *given, "--out", tmp_path / "r.html")
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert clue in said.err
    assert not (tmp_path / "r.html").exists()
