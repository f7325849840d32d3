from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from likeness.data import load, whole
from likeness.errors import InputError

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0)}


def fill(folder: Path, n: int, *, seed: int = 0, ending: str = "png", side: int = 8) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for i, x in enumerate(np.random.default_rng(seed).integers(0, 256, (n, side, side, 3), dtype=np.uint8)):
        Image.fromarray(x).save(folder / f"{i}.{ending}")


def sizes(data) -> tuple[int, int, int]:
    return len(data.train), len(data.validation), len(data.test)


def test_subfolders_are_classes(tmp_path: Path) -> None:
    for name, colour in COLOURS.items():
        (tmp_path / name).mkdir()
        for i in range(10):
            Image.new("RGB", (8, 8), tuple(max(c - i, 0) for c in colour)).save(tmp_path / name / f"{i}.png")
    data = load(tmp_path)
    assert data.classes == ("green", "red")
    assert sum(sizes(data)) == 20
    for split in (data.train, data.validation, data.test):
        batch = whole(split)
        assert batch.x[:, :2].mean((2, 3)).argmin(1).tolist() == batch.y.tolist()


@pytest.mark.parametrize("ending", ["png", "jpg", "JPEG", "webp", "bmp"])
def test_one_folder_of_any_kind_has_no_classes(tmp_path: Path, ending: str) -> None:
    fill(tmp_path / "images", 10, ending=ending)
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / ".hidden.png").write_bytes(b"")
    data = load(tmp_path)
    assert data.kind == "images"
    assert data.event == (3, 8, 8)
    assert data.classes == ()
    assert whole(data.train).y is None
    assert sum(sizes(data)) == 10


@pytest.mark.parametrize("held", [("val", "test"), ("valid", "test"), ("validation", "test"), ("dev", "test")])
def test_parts_that_are_given_are_kept(tmp_path: Path, held: tuple[str, ...]) -> None:
    for seed, (part, n) in enumerate((("train", 12), (held[0], 3), (held[1], 4))):
        for name in COLOURS:
            fill(tmp_path / part / name, n, seed=10 * seed + len(name))
    assert sizes(load(tmp_path)) == (24, 6, 8)


def test_a_training_image_that_is_also_in_the_test_part_leaves_training(tmp_path: Path) -> None:
    fill(tmp_path / "train", 20)
    fill(tmp_path / "test", 5)  # the same seed: the same pictures
    data = load(tmp_path)
    assert len(data.test) == 5
    assert len(data.train) + len(data.validation) == 15
    assert data.notes[0].code == "copies-across-splits"


def test_mixed_sizes_name_two_files_and_the_remedy(tmp_path: Path) -> None:
    fill(tmp_path, 3)
    fill(tmp_path, 5, ending="webp", side=12)
    with pytest.raises(InputError, match=r"0\.png is 8 × 8, 0\.webp is 12 × 12 pixels.*--size"):
        load(tmp_path)
    assert load(tmp_path, size=8).event == (3, 8, 8)


def test_a_truncated_file_is_one_clear_line_or_a_note(tmp_path: Path) -> None:
    fill(tmp_path, 10)
    file = tmp_path / "4.png"
    file.write_bytes(file.read_bytes()[:80])
    with pytest.raises(InputError, match=r"broken image 4\.png .*1 of 10") as raised:
        load(tmp_path)
    assert "\n" not in str(raised.value)
    data = load(tmp_path, skip_broken=True)
    assert sum(sizes(data)) == 9
    assert "4.png" in data.notes[0].saw


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda p: (p / "notes.md").write_text("x"), "no images in"),
        (lambda p: (fill(p, 3), fill(p / "a", 3)), "beside class folders"),
        (lambda p: (fill(p / "train", 3), fill(p / "cats", 3)), "beside a train folder"),
        (lambda p: (fill(p / "train" / "a", 3), fill(p / "test" / "b", 3)), "class 'b'"),
    ],
)
def test_folders_that_cannot_be_read_say_why(tmp_path: Path, make, said: str) -> None:
    make(tmp_path)
    with pytest.raises(InputError, match=said):
        load(tmp_path)


def test_a_label_is_no_option_of_a_folder(tmp_path: Path) -> None:
    fill(tmp_path, 5)
    with pytest.raises(InputError, match="label 'kind'"):
        load(tmp_path, label="kind")
