import sys
from pathlib import Path

import numpy as np
import pytest

from likeness.data import load
from likeness.errors import InputError


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setitem(sys.modules, "datasets", None)
    monkeypatch.setenv("LIKENESS_DATA", str(tmp_path / "shelf"))
    (tmp_path / "here").mkdir()
    (tmp_path / "shelf").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "shelf"


def save(path: Path, d: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, np.random.default_rng(0).normal(size=(20, d)))


def test_a_path_comes_before_the_shelf_and_the_shelf_before_the_embedded_sets(shelf: Path) -> None:
    assert load("ring8").event == (2,)
    save(shelf / "ring8" / "x.npy", 3)
    assert load("ring8").event == (3,)
    save(Path("ring8") / "x.npy", 4)
    assert load("ring8").event == (4,)


def test_a_folder_with_one_file_is_that_file(shelf: Path) -> None:
    save(shelf / "set" / "any.npy", 3)
    (shelf / "set" / "SOURCE.md").write_text("where it is from")
    assert load("set").event == (3,)
    save(shelf / "set" / "other.npy", 3)
    with pytest.raises(InputError, match=r"any\.npy, other\.npy.*name one"):
        load("set")
    assert load("set/other.npy").event == (3,)


def test_files_named_after_parts_are_parts(shelf: Path) -> None:
    rng = np.random.default_rng(0)
    for part, n in (("train", 30), ("val", 5), ("test", 7)):
        (shelf / "set").mkdir(exist_ok=True)
        np.savez(shelf / "set" / f"{part}.npz", x=rng.normal(size=(n, 2)), y=np.arange(n) % 2)
    data = load("set")
    assert (len(data.train), len(data.validation), len(data.test)) == (30, 5, 7)
    assert data.classes == ("0", "1")


@pytest.mark.usefixtures("shelf")
@pytest.mark.parametrize("name", ["./none", "/no/where", "a/b/c", "x.npy", "photos.zip", "../data", "~/nothing-here"])
def test_a_path_that_is_missing_is_called_missing(name: str) -> None:
    with pytest.raises(InputError, match="does not exist"):
        load(name)


def test_a_missing_name_in_a_folder_that_exists_is_a_missing_path(shelf: Path) -> None:
    Path("data").mkdir()
    with pytest.raises(InputError, match="data/cats does not exist"):
        load("data/cats")


def test_an_unknown_name_is_answered_with_the_nearest_ones(shelf: Path) -> None:
    save(shelf / "fashion" / "x.npy", 2)
    with pytest.raises(InputError, match="unknown data set 'rnig8': did you mean ring8"):
        load("rnig8")
    with pytest.raises(InputError, match="unknown data set 'fashoin': did you mean fashion"):
        load("fashoin")
    with pytest.raises(InputError, match="unknown data set ''"):
        load("")


@pytest.mark.usefixtures("shelf")
def test_a_file_of_another_kind_is_refused() -> None:
    Path("notes.doc").write_text("text")
    with pytest.raises(InputError, match="no known kind"):
        load("notes.doc")


@pytest.mark.usefixtures("shelf")
def test_options_change_the_fingerprint_and_a_path_does_not() -> None:
    save(Path("a.npy"), 2)
    save(Path("b.npy"), 2)
    assert load("a.npy").fingerprint == load("b.npy").fingerprint
    assert load("a.npy").fingerprint != load("a.npy", seed=1).fingerprint != load("a.npy", limit=3).fingerprint
