"""Judging from files and from a run: the documented JSON, warnings in words, one line for bad input."""

import json
from pathlib import Path

import numpy as np
import pytest

from likeness.recipes import outcome


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, rng = tmp_path_factory.mktemp("files"), np.random.default_rng(0)
    for name, n, mean in (("train", 400, 0), ("test", 400, 0), ("good", 300, 0), ("bad", 300, 3), ("few", 4, 0)):
        np.save(folder / f"{name}.npy", rng.normal(mean, 1, size=(n, 3)).astype(np.float32))
    np.save(folder / "wide.npy", np.zeros((300, 7), np.float32))
    broken = np.load(folder / "good.npy")
    broken[5] = np.nan
    np.save(folder / "nan.npy", broken)
    return folder


def test_the_json_is_as_documented(files: Path, tmp_path: Path, likeness) -> None:
    out = tmp_path / "scores.json"
    words = ["--samples", files / "good.npy", "--reference", files / "test.npy", "--train", files / "train.npy"]
    said = likeness("judge", *words, "--json", out)
    assert said.code == 0, said.err
    made = json.loads(out.read_text())
    rows = made["scores"]
    assert {"metric", "value", "low", "high", "better", "baseline"} <= set(rows[0])
    assert {r["better"] for r in rows} <= {"higher", "lower", "one"}
    own = {r["metric"] for r in rows if r["baseline"] is None}
    assert own >= {"frechet", "kernel", "precision", "recall", "density", "coverage", "c2st", "mmd", "memorisation"}
    assert {r["baseline"] for r in rows} == {None, "held-out", "gaussian", "memoriser", "noise"}
    assert made["protocol"]["features"] == "raw"
    assert "frechet" in said.out


def test_better_samples_score_better(files: Path, tmp_path: Path, likeness) -> None:
    found = {}
    for name in ("good", "bad"):
        out = tmp_path / f"{name}.json"
        words = ["--samples", files / f"{name}.npy", "--reference", files / "test.npy", "--no-baselines"]
        assert likeness("judge", *words, "--json", out).code == 0
        found[name] = {r["metric"]: r["value"] for r in json.loads(out.read_text())["scores"]}
    assert found["good"]["frechet"] < 0.2 * found["bad"]["frechet"]
    assert found["good"]["recall"] > found["bad"]["recall"]


@pytest.mark.parametrize(
    ("name", "clue"), [("few", "fewer than its 5 neighbours"), ("nan", "NaN at [5"), ("wide", "shape")]
)
def test_bad_samples_are_one_line(files: Path, tmp_path: Path, likeness, name: str, clue: str) -> None:
    out = tmp_path / "scores.json"
    words = ["--samples", files / f"{name}.npy", "--reference", files / "test.npy", "--json", out]
    said = likeness("judge", *words)
    assert said.code == 2
    assert clue in said.err.splitlines()[-1]
    assert not out.exists()


def test_labels_make_a_classifier(files: Path, tmp_path: Path, likeness) -> None:
    np.save(tmp_path / "y.npy", (np.load(files / "train.npy")[:, 0] > 0).astype(np.int64))
    words = ["--samples", files / "good.npy", "--reference", files / "test.npy", "--train", files / "train.npy"]
    said = likeness("judge", *words, "--labels", tmp_path / "y.npy", "--features", "classifier", "--no-baselines")
    assert said.code == 0, said.err
    assert "inception" in said.out
    said = likeness("judge", *words, "--features", "classifier")
    assert (said.code, "needs labels" in said.err) == (2, True)


def test_tables_with_categories_are_judged(tmp_path: Path, likeness) -> None:
    rng = np.random.default_rng(0)
    for name, share in (("real", 0.5), ("fake", 0.9)):
        rows = [f"{rng.normal():.4f},{'ab'[rng.random() < share]}" for _ in range(300)]
        (tmp_path / f"{name}.csv").write_text("x,kind\n" + "\n".join(rows) + "\n")
    said = likeness("judge", "--samples", tmp_path / "fake.csv", "--reference", tmp_path / "real.csv")
    assert said.code == 0, said.err


def test_a_run_is_judged_on_its_own_test_split(trained_on_rings: Path, tmp_path: Path, likeness, monkeypatch) -> None:
    monkeypatch.setattr(outcome, "LARGEST", 400)
    out = tmp_path / "scores.json"
    said = likeness("judge", trained_on_rings, "-n", 300, "--json", out)
    assert said.code == 0, said.err
    assert {"modes", "high_quality"} <= {r["metric"] for r in json.loads(out.read_text())["scores"]}
