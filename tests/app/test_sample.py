"""Draws depend on the seed alone, go to any kind of file, and damaged runs are told apart."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from likeness.run import checkpoint


def test_draws_belong_to_the_seed_not_to_the_batch(trained: Path, tmp_path: Path, likeness) -> None:
    for name, size in (("a", 64), ("b", 7)):
        said = likeness("sample", trained, "-n", 20, "--batch-size", size, "--out", tmp_path / f"{name}.npy")
        assert said.code == 0, said.err
    a, b = np.load(tmp_path / "a.npy"), np.load(tmp_path / "b.npy")
    assert (a.shape, a.dtype) == ((20, 1, 8, 8), np.uint8)
    assert np.abs(a.astype(int) - b).max() <= 1  # the last bit of a sum may turn a grey level


def test_the_place_suits_the_data(trained: Path, trained_on_rings: Path, likeness) -> None:
    assert likeness("sample", trained, "-n", 9).code == 0
    assert Image.open(trained / "samples.png").size[0] > 8
    assert likeness("sample", trained_on_rings, "-n", 9).code == 0
    assert np.load(trained_on_rings / "samples.npy").shape == (9, 2)


def test_what_is_no_run_is_refused(tmp_path: Path, likeness) -> None:
    for path, clue in ((tmp_path, "is not a run"), (tmp_path / "none", "does not exist")):
        said = likeness("sample", path)
        assert (said.code, clue in said.err) == (2, True)


@pytest.fixture
def copied(trained: Path, tmp_path: Path) -> Path:
    shutil.copytree(trained, tmp_path / "run")
    return tmp_path / "run"


def test_a_checkpoint_of_another_shape_is_refused(copied: Path, likeness) -> None:
    path = copied / "checkpoints" / "best.safetensors"
    state, about = checkpoint.load(path)
    name = next(k for k, v in state.items() if v.ndim == 4)
    checkpoint.save(path, state | {name: torch.zeros(1, 2, 3, 4)}, about)
    said = likeness("sample", copied)
    assert said.code == 2
    assert f"{name} has shape (1, 2, 3, 4)" in said.err


def test_a_pickle_is_refused_unopened(copied: Path, likeness) -> None:
    torch.save({"a": torch.ones(1)}, copied / "checkpoints" / "best.safetensors")
    said = likeness("sample", copied)
    assert (said.code, "is a pickle" in said.err) == (2, True)


def test_an_unknown_ending_is_refused_before_drawing(trained: Path, tmp_path: Path, likeness) -> None:
    said = likeness("sample", trained, "--out", tmp_path / "x.pkl")
    assert said.code == 2
    assert ".npy" in said.err
    assert not (tmp_path / "x.pkl").exists()
