"""Draws depend on the seed alone, go to any kind of file, and damaged runs are told apart."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from likeness.app.cli import main
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


@pytest.fixture(scope="module")
def diffused(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a few steps of a conditional diffusion model."""
    folder = tmp_path_factory.mktemp("runs") / "diffused"
    small = ["--steps", 4, "--batch-size", 16, "--width", 8, "--judge-every", 4, "--draw-steps", 3, "--conditional"]
    words = ["train", "diffusion", "--data", "digits", "--device", "cpu", "--out", folder, "--no-report", *small]
    assert main([*map(str, words), "--features", "pca"]) == 0
    return folder


def test_a_diffusion_model_is_drawn_from_in_other_ways(diffused: Path, tmp_path: Path, likeness) -> None:
    ways = {
        "plain": (),
        "again": ("--rule", "ddpm", "--steps", 3),
        "ddim": ("--rule", "ddim", "--steps", 5, "--eta", 0.5),
        "guided": ("--scale", 4),
        "seven": ("--label", 7),
        "seven in other batches": ("--label", 7, "--batch-size", 3),
    }
    x = {}
    for name, words in ways.items():
        said = likeness("sample", diffused, "-n", 8, "--out", tmp_path / f"{name}.npy", *words)
        assert said.code == 0, said.err
        x[name] = np.load(tmp_path / f"{name}.npy").astype(int)
    assert np.array_equal(x["plain"], x["again"])
    assert np.abs(x["seven"] - x["seven in other batches"]).max() <= 1
    for name in ("ddim", "guided", "seven"):
        assert not np.array_equal(x["plain"], x[name]), name


def test_states_on_the_way_are_a_picture(diffused: Path, likeness) -> None:
    assert likeness("sample", diffused, "-n", 3, "--states", 4).code == 0
    width, height = Image.open(diffused / "states.png").size
    assert width / height == pytest.approx(4 / 3, abs=0.1)


@pytest.mark.parametrize(
    ("words", "clue"),
    [
        (("--steps", 500), "500 sampling steps of a schedule of 200"),
        (("--rule", "ddpm", "--eta", 1), "eta"),
        (("--label", "ten"), "ten"),
        (("--states", 1), "two or more"),
    ],
)
def test_what_a_diffusion_model_cannot_do_is_told_in_one_line(words, clue: str, diffused: Path, likeness) -> None:
    said = likeness("sample", diffused, "-n", 2, *words)
    assert (said.code, clue in said.err) == (2, True), said.err
    assert len(said.err.strip().splitlines()) == 1


def test_other_families_have_no_steps(trained: Path, likeness) -> None:
    for words in (("--steps", 5), ("--label", "3"), ("--states", 3)):
        said = likeness("sample", trained, *words)
        assert (said.code, "for diffusion models" in said.err) == (2, True)
