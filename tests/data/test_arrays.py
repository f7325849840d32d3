from pathlib import Path

import numpy as np
import pytest
import torch

from likeness.data import arrays as arrays_file
from likeness.data import load, whole
from likeness.data.memory import to_uint8
from likeness.errors import InputError

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (40, 3, 8, 8), dtype=np.uint8)
VECTORS = RNG.normal(size=(40, 3))


def everything(data) -> torch.Tensor:
    return torch.cat([whole(split).x for split in (data.train, data.validation, data.test)])


def ordered(x: torch.Tensor) -> list[list[float]]:
    return sorted(x.flatten(1).tolist())


def test_vectors_are_handed_out_as_they_are(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", VECTORS)
    data = load(tmp_path / "x.npy")
    assert data.kind == "vectors"
    assert data.event == (3,)
    assert ordered(everything(data)) == ordered(torch.from_numpy(VECTORS).float())


@pytest.mark.parametrize("stream", [False, True])
def test_images_are_recognised_wherever_their_channels_stand(tmp_path: Path, stream: bool) -> None:
    np.save(tmp_path / "first.npy", IMAGES)
    np.save(tmp_path / "last.npy", IMAGES.transpose(0, 2, 3, 1))
    first, last = (load(tmp_path / f"{name}.npy", stream=stream) for name in ("first", "last"))
    assert first.kind == "images"
    assert first.event == (3, 8, 8)
    assert first.fingerprint == last.fingerprint
    assert ordered(to_uint8(everything(first))) == ordered(torch.from_numpy(IMAGES))


def test_a_mapped_file_is_not_changed_by_reading_it(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", VECTORS.astype(np.float32))
    before = (tmp_path / "x.npy").read_bytes()
    everything(load(tmp_path / "x.npy", stream=True)).add_(1)
    assert (tmp_path / "x.npy").read_bytes() == before


@pytest.mark.parametrize(
    "names",
    [
        ("x_train", "y_train", "x_test", "y_test"),
        ("X_train", "Y_train", "X_test", "Y_test"),
        ("train_images", "train_labels", "test_images", "test_labels"),
        ("data_train", "target_train", "data_test", "target_test"),
    ],
)
def test_parts_and_labels_are_found_by_their_usual_names(tmp_path: Path, names: tuple[str, ...]) -> None:
    y = IMAGES[:, 0, 0, 0] % 2
    np.savez(tmp_path / "d.npz", **dict(zip(names, (IMAGES[:30], y[:30], IMAGES[30:], y[30:, None]), strict=True)))
    data = load(tmp_path / "d.npz")
    assert (len(data.train), len(data.validation), len(data.test)) == (27, 3, 10)
    batch = whole(data.test)
    assert torch.equal(to_uint8(batch.x)[:, 0, 0, 0].long() % 2, batch.y)


def test_classes_have_the_names_of_the_file_or_their_values(tmp_path: Path) -> None:
    y = np.arange(40) % 3
    np.savez(tmp_path / "a.npz", x=VECTORS, y=y, classes=np.array([b"ant", b"bee", b"cat"]))
    np.savez(tmp_path / "b.npz", x=VECTORS, y=np.array(["u", "v", "w"])[y], other=y % 2)
    assert load(tmp_path / "a.npz").classes == ("ant", "bee", "cat")
    assert load(tmp_path / "b.npz").classes == ("u", "v", "w")
    assert load(tmp_path / "b.npz", label="other").classes == ("0", "1")
    np.savez(tmp_path / "c.npz", x=VECTORS, y=3.0 * y)
    assert load(tmp_path / "c.npz").classes == ("0", "3", "6")


def test_one_array_needs_no_name(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", whatever=VECTORS)
    assert load(tmp_path / "d.npz").event == (3,)


def test_size_and_channels_apply_to_images(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", IMAGES)
    assert load(tmp_path / "x.npy", size=16, channels=1).event == (1, 16, 16)


NAN = VECTORS.copy()
NAN[7, 2] = np.nan
NAN[9] = np.inf


@pytest.mark.parametrize(
    ("arrays", "options", "said"),
    [
        ({"x": NAN}, {}, r"NaN at \[7, 2\], 4 such"),
        ({"x": np.array(["a", "b"])}, {}, "not numbers"),
        ({"x": np.zeros((2, 2, 2, 2, 2))}, {}, "shape"),
        ({"x": np.zeros((0, 2))}, {}, "shape"),
        ({"x": VECTORS, "y": np.arange(39)}, {}, "one label a sample"),
        ({"x": VECTORS, "y": VECTORS[:, 0]}, {}, "whole numbers"),
        ({"x_train": VECTORS, "x_test": VECTORS[:5, :2]}, {}, "make them alike"),
        ({"x_train": VECTORS, "y_train": np.arange(40), "x_test": VECTORS + 1}, {}, "test part has no labels"),
        ({"ink": VECTORS, "paper": VECTORS}, {}, "ink, paper"),
        ({"x": VECTORS, "y": np.arange(40)}, {"label": "yy"}, "unknown label 'yy'.*did you mean y"),
        ({"x": VECTORS}, {"size": 8}, "for images"),
    ],
)
def test_arrays_that_cannot_be_used_say_why(tmp_path: Path, arrays, options, said: str) -> None:
    np.savez(tmp_path / "d.npz", **arrays)
    with pytest.raises(InputError, match=said) as raised:
        load(tmp_path / "d.npz", **options)
    assert "\n" not in str(raised.value)


def test_the_place_of_a_nan_is_right_beyond_the_first_block(monkeypatch) -> None:
    monkeypatch.setattr(arrays_file, "CHUNK", 3 * VECTORS[0].nbytes)
    with pytest.raises(InputError, match=r"NaN at \[7, 2\], 4 such"):
        arrays_file.check_finite(NAN, "x")


def test_pickles_are_never_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="pickled"):
        load(tmp_path / "x.npy")


@pytest.mark.parametrize("name", ["x.npy", "x.npz"])
def test_damaged_files_are_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x93NUMPY\x01\x00v\x00")
    with pytest.raises(InputError, match=f"cannot read .*{name}|{name} is no array file"):
        load(tmp_path / name)
