"""So many variants of each record, in their order; near where the scale is small; other models are refused."""

from pathlib import Path

import numpy as np
import pytest

from likeness.app.cli import main

SMALL = ["--steps", "20", "--batch-size", "32", "--width", "16", "--judge-every", "20", "--no-report"]


@pytest.mark.parametrize("recipe", ["exemplar-vae", "vae"])
def test_variants_of_records(recipe: str, tmp_path: Path, likeness) -> None:
    folder, file, out = tmp_path / "run", tmp_path / "x.npy", tmp_path / "new.npy"
    assert main(["train", recipe, "--data", "moons", "--device", "cpu", "--out", str(folder), *SMALL]) == 0
    np.save(file, np.array([[0.0, 0.0], [1.0, 0.5], [0.2, 0.2]], dtype=np.float32))
    said = likeness("variants", folder, "--data", file, "-n", 4, "--out", out)
    assert said.code == 0, said.err
    assert np.load(out).shape == (12, 2)
    for wrong, clue in ((("--scale", 0), "scale above zero"), (("-n", 0), "one or more")):
        said = likeness("variants", folder, "--data", file, *wrong)
        assert (said.code, clue in said.err) == (2, True), said.err
    np.save(file, np.zeros((3, 5), dtype=np.float32))
    said = likeness("variants", folder, "--data", file)
    assert (said.code, "make them alike" in said.err) == (2, True)


def test_a_model_without_codes_is_refused(trained_on_rings: Path, tmp_path: Path, likeness) -> None:
    np.save(tmp_path / "x.npy", np.zeros((3, 2), dtype=np.float32))
    said = likeness("variants", trained_on_rings, "--data", tmp_path / "x.npy")
    assert (said.code, "exemplar-vae" in said.err) == (2, True)
