"""Refining from a run and from files: the same draws for a seed, the facts as JSON, and clear refusals."""

import json
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real: a standard normal in the plane. Samples: one that is twice as wide."""
    folder, rng = tmp_path_factory.mktemp("files"), np.random.default_rng(0)
    np.save(folder / "real.npy", rng.normal(size=(4000, 2)).astype(np.float32))
    np.save(folder / "fake.npy", (2 * rng.normal(size=(4000, 2))).astype(np.float32))
    return folder


def test_files_are_refined_without_a_model(files: Path, tmp_path: Path, likeness) -> None:
    out, facts = tmp_path / "kept.npy", tmp_path / "facts.json"
    where = ["--samples", files / "fake.npy", "--real", files / "real.npy", "--out", out, "--json", facts]
    said = likeness("refine", *where, "-n", 500, "--ratio-steps", 400)
    assert said.code == 0, said.err
    kept = np.load(out)
    assert kept.shape == (500, 2)
    assert abs(kept.std() - 1) < 0.15, "the width of the real data, not that of the samples"
    told = json.loads(facts.read_text())
    assert 0 < told["acceptance_rate"] < 1
    assert 0 < told["ratio"]["brier"] < 0.25
    fake = {tuple(row) for row in np.load(files / "fake.npy").tolist()}
    assert len({tuple(row) for row in kept.tolist()} & fake) == 500, "each is a sample of the file, and none twice"


@pytest.mark.parametrize("how", [["--percentile", 50], ["--method", "metropolis"], ["--method", "resampling"]])
def test_a_run_is_refined_in_every_way(trained_on_rings: Path, tmp_path: Path, likeness, how) -> None:
    draws = []
    for size in (256, 11):
        out = tmp_path / f"{size}.npy"
        words = ["--out", out, "-n", 30, "--ratio-steps", 50, "--chain-steps", 8, "--batch-size", size, *how]
        said = likeness("refine", trained_on_rings, *words)
        assert said.code == 0, said.err
        draws.append(np.load(out))
    np.testing.assert_allclose(draws[0], draws[1], atol=1e-4)


def test_langevin_needs_and_uses_the_latent_space(trained_on_rings: Path, tmp_path: Path, likeness, files) -> None:
    words = ["--method", "langevin", "--chain-steps", 8, "--ratio-steps", 50, "-n", 5, "--out", tmp_path / "x.npy"]
    assert likeness("refine", trained_on_rings, *words).code == 0
    said = likeness("refine", "--samples", files / "fake.npy", "--real", files / "real.npy", *words)
    assert (said.code, "need a model" in said.err) == (2, True)


@pytest.mark.parametrize(
    ("words", "clue"),
    [
        (["--percentile", 0.8], "did you mean 80?"),
        (["--percentile", 80, "--gamma", 0], "exclude one another"),
        (["-n", 5000], "5000 draws from 4000 samples on file"),
        (["--ratio", "own"], "need a model"),
    ],
)
def test_what_cannot_be_is_refused(files: Path, tmp_path: Path, likeness, words, clue) -> None:
    out = tmp_path / "kept.npy"
    where = ["--samples", files / "fake.npy", "--real", files / "real.npy", "--out", out, "--ratio-steps", 20]
    said = likeness("refine", *where, *words)
    assert said.code == 2
    assert clue in said.err
    assert not out.exists()


def test_one_of_run_and_files(likeness, trained_on_rings: Path) -> None:
    assert likeness("refine").code == 2
    assert likeness("refine", trained_on_rings, "--samples", "x.npy").code == 2
    assert "--real" in likeness("refine", "--samples", "x.npy").err
