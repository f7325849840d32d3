"""Scores stand side by side only where their protocols agree."""

from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="module")
def scores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from likeness.app.cli import main

    folder, rng = tmp_path_factory.mktemp("scores"), np.random.default_rng(0)
    for name, n in (("a", 200), ("b", 200), ("c", 150), ("test", 200)):
        np.save(folder / f"{name}.npy", rng.normal(size=(n, 2)).astype(np.float32))
    for name in "abc":
        words = ["--samples", folder / f"{name}.npy", "--reference", folder / "test.npy", "--no-baselines"]
        assert main(["judge", *map(str, words), "--json", str(folder / f"{name}.json")]) == 0
    return folder


def test_like_protocols_stand_side_by_side(scores: Path, likeness) -> None:
    said = likeness("compare", scores / "a.json", scores / "b.json")
    assert said.code == 0, said.err
    assert "frechet" in said.out


def test_unlike_protocols_are_refused_by_name(scores: Path, likeness) -> None:
    said = likeness("compare", scores / "a.json", scores / "c.json")
    assert said.code == 2
    assert "n: 200 and 150" in said.err


def test_what_is_no_score_is_refused(scores: Path, tmp_path: Path, likeness, trained: Path) -> None:
    (tmp_path / "x.json").write_text('{"scores": 3}')
    assert likeness("compare", tmp_path / "x.json").code == 2
    assert "does not exist" in likeness("compare", tmp_path / "none.json").err
    assert "has no report.json" in likeness("compare", trained).err
