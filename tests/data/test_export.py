import errno
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from likeness.data import export, load, whole
from likeness.data.export import read, write
from likeness.data.memory import to_uint8
from likeness.errors import InputError

IMAGES = (torch.rand(10, 3, 8, 8) * 255).round() / 127.5 - 1
VECTORS = torch.randn(10, 4)


@pytest.mark.parametrize("name", ["x.npy", "x.npz", "x"])
@pytest.mark.parametrize("channels", [1, 3])
def test_images_come_back_as_they_went(tmp_path: Path, name: str, channels: int) -> None:
    x = IMAGES[:, :channels]
    torch.testing.assert_close(read(write(x, tmp_path / name)), x, atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", ["x.npy", "x.npz", "x.csv", "x.parquet"])
def test_vectors_come_back_as_they_went(tmp_path: Path, name: str) -> None:
    torch.testing.assert_close(read(write(VECTORS, tmp_path / name)), VECTORS)


def test_rows_of_a_table_are_decoded(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("age,job\n" + "\n".join(f"{20 + i},{'ab'[i % 2]}" for i in range(40)))
    data = load(tmp_path / "t.csv")
    for columns in (data, data.columns):
        lines = write(whole(data.test).x, tmp_path / "out.csv", columns).read_text().splitlines()
        assert lines[0] == '"age","job"'
        assert all(line.split(",")[1] in ('"a"', '"b"') for line in lines[1:])
        assert all(20 <= int(line.split(",")[0]) < 60 for line in lines[1:])


def test_a_grid_shows_the_images_row_by_row(tmp_path: Path) -> None:
    sheet = np.asarray(Image.open(write(IMAGES, tmp_path / "grid.png")))
    assert sheet.shape == (3 * 8, 4 * 8, 3)
    assert np.array_equal(sheet[8:16, 8:16], to_uint8(IMAGES)[5].permute(1, 2, 0))
    assert sheet[16:, 16:].max() == 0


def test_bytes_and_floats_are_read_by_the_rule(tmp_path: Path) -> None:
    np.save(tmp_path / "bytes.npy", np.full((2, 8, 8, 3), 255, np.uint8))
    np.save(tmp_path / "floats.npy", np.full((2, 3, 8, 8), 0.25))
    np.save(tmp_path / "whole.npy", np.array([[300, -2]]))
    np.save(tmp_path / "line.npy", np.arange(5.0))
    assert read(tmp_path / "bytes.npy").equal(torch.ones(2, 3, 8, 8))
    assert read(tmp_path / "floats.npy").equal(torch.full((2, 3, 8, 8), 0.25))
    assert read(tmp_path / "whole.npy").tolist() == [[300.0, -2.0]]
    assert read(tmp_path / "line.npy").shape == (5, 1)


def test_what_stood_there_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch) -> None:
    path = write(VECTORS, tmp_path / "x.npy")
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(export.np, "save", full)
    with pytest.raises(InputError, match=r"no space left.*free some"):
        write(VECTORS + 1, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_fails_half_way_leaves_nothing(tmp_path: Path, monkeypatch) -> None:
    calls = iter(range(9))

    def picture(image: torch.Tensor) -> Image.Image:
        if next(calls) == 5:
            raise KeyboardInterrupt
        return Image.new("L", (1, 1))

    monkeypatch.setattr(export, "_picture", picture)
    with pytest.raises(KeyboardInterrupt):
        write(IMAGES, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_written_where_none_or_an_empty_one_is(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    write(IMAGES, tmp_path / "out")
    with pytest.raises(InputError, match="not empty"):
        write(IMAGES, tmp_path / "out")
    assert len(list((tmp_path / "out").iterdir())) == 10


@pytest.mark.parametrize(
    ("x", "name", "said"),
    [
        (VECTORS, "out", "no images"),
        (VECTORS, "x.png", "no images"),
        (IMAGES, "x.csv", "no rows"),
        (IMAGES, "x.jpgg", "unknown ending '.jpgg'"),
    ],
)
def test_samples_of_another_shape_are_refused_at_once(tmp_path: Path, x, name: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        write(x, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def text(path: Path) -> None:
    (path / "x.csv").write_text("a,b\n1,old\n")


def nan(path: Path) -> None:
    np.save(path / "x.npy", np.array([[1.0, math.nan]]))


def objects(path: Path) -> None:
    np.save(path / "x.npy", np.array([None]), allow_pickle=True)


def names(path: Path) -> None:
    np.savez(path / "x.npz", ink=np.zeros(3), paper=np.zeros(3))


def gap(path: Path) -> None:
    (path / "x.csv").write_text("a,b\n1,2\n1,\n")


@pytest.mark.parametrize(
    ("make", "name", "said"),
    [
        (text, "x.csv", "'b' of .* holds string .old., not numbers"),
        (gap, "x.csv", r"NaN at \[1, 1\]"),
        (nan, "x.npy", r"NaN at \[0, 1\]"),
        (objects, "x.npy", "pickled"),
        (names, "x.npz", "ink, paper"),
        (lambda p: None, "x.npy", "does not exist"),
        (lambda p: (p / "x").mkdir(), "x", "no images"),
        (lambda p: (p / "x.txt").write_text(""), "x.txt", "unknown kind of file"),
    ],
)
def test_files_that_hold_no_samples_say_why(tmp_path: Path, make, name: str, said: str) -> None:
    make(tmp_path)
    with pytest.raises(InputError, match=said) as raised:
        read(tmp_path / name)
    assert "\n" not in str(raised.value)
