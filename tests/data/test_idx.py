import gzip
from pathlib import Path

import numpy as np
import pytest
import torch

from likeness.data import load, whole
from likeness.data.idx import array, read_idx
from likeness.errors import InputError


def save(path: Path, x: np.ndarray) -> None:
    raw = bytes((0, 0, 8, x.ndim)) + np.array(x.shape, ">u4").tobytes() + x.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)


def fill(folder: Path, ending: str = "", prefix: str = "", test: str = "t10k") -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    made = {}
    for part, n in (("train", 40), (test, 10)):
        made[part] = rng.integers(0, 256, (n, 6, 5))
        save(folder / f"{prefix}{part}-images-idx3-ubyte{ending}", made[part])
        save(folder / f"{prefix}{part}-labels-idx1-ubyte{ending}", made[part][:, 0, 0] % 3)
    return made


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize(("prefix", "test"), [("", "t10k"), ("emnist-letters-", "test")])
def test_the_official_parts_are_kept_with_their_labels(tmp_path: Path, ending: str, prefix: str, test: str) -> None:
    made = fill(tmp_path, ending, prefix, test)
    data = load(tmp_path)
    assert (len(data.train), len(data.validation), len(data.test)) == (36, 4, 10)
    assert data.event == (1, 6, 5)
    assert data.classes == ("0", "1", "2")
    batch = whole(data.test)
    pixels = ((batch.x + 1) * 127.5).round().long()
    assert torch.equal(pixels[:, 0, 0, 0] % 3, batch.y)
    assert sorted(pixels.flatten(1).tolist()) == sorted(made[test].reshape(10, -1).tolist())


def test_one_file_is_a_set_of_its_own_with_the_labels_beside_it(tmp_path: Path) -> None:
    fill(tmp_path)
    data = load(tmp_path / "t10k-images-idx3-ubyte")
    assert len(data.train) + len(data.validation) + len(data.test) == 10
    assert data.classes == ("0", "1", "2")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (bytes((0, 0, 8, 1, 0, 0, 0, 9)) + b"short", "9"),
        (b"plain text", "format"),
        (b"", "format"),
        (bytes((0, 0, 13, 1, 0, 0, 0, 1)) + b"1234", "unsigned"),
        (gzip.compress(b"x" * 100)[:-20], "cannot read"),
    ],
)
def test_files_that_are_damaged_or_foreign_are_named(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(content)
    with pytest.raises(InputError, match=said):
        array(path)


def test_two_sets_in_one_folder_are_not_mixed(tmp_path: Path) -> None:
    fill(tmp_path)
    fill(tmp_path, prefix="emnist-")
    with pytest.raises(InputError, match="second test part"):
        read_idx(tmp_path)


def test_a_test_part_alone_is_no_data_set(tmp_path: Path) -> None:
    fill(tmp_path)
    for file in tmp_path.glob("train*"):
        file.unlink()
    with pytest.raises(InputError, match="no training images"):
        read_idx(tmp_path)
