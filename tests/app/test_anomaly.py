"""What is unlike the data is flagged, normal data seldom are, and a threshold that cannot be set is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from likeness.data import load, whole
from likeness.data.export import write


@pytest.mark.parametrize("score", ["error", "gaussian"])
def test_noise_is_flagged_and_digits_seldom(with_codes: Path, tmp_path: Path, likeness, score: str) -> None:
    x = whole(load("digits").test).x[:150]
    write(torch.cat((x, 2.0 * (torch.rand(20, 1, 8, 8) < 0.5) - 1)), tmp_path / "mixed.npy")
    out = tmp_path / "found.json"
    said = likeness("anomaly", with_codes, "--data", tmp_path / "mixed.npy", "--score", score, "--json", out)
    assert said.code == 0, said.err
    told = json.loads(out.read_text())
    flagged = set(told["flagged"])
    assert flagged >= set(range(150, 170))
    assert len(flagged) - 20 <= 25
    assert flagged == {i for i, s in enumerate(told["scores"]) if s > told["threshold"]}
    low, high = told["false_alarms_interval"]
    assert low < told["false_alarms"] <= 0.05 < high
    assert f"{len(flagged)} of 170 samples" in said.err


def test_normals_of_ones_own_set_the_threshold(with_codes: Path, tmp_path: Path, likeness) -> None:
    x = whole(load("digits").validation).x
    np.save(tmp_path / "normal.npy", x.numpy()[:60])
    words = ["--data", "digits", "--normal", tmp_path / "normal.npy", "--json", tmp_path / "f.json"]
    assert likeness("anomaly", with_codes, *words).code == 0
    assert json.loads((tmp_path / "f.json").read_text())["normals"] == 60


def test_too_few_normals_are_refused(with_codes: Path, tmp_path: Path, likeness) -> None:
    np.save(tmp_path / "normal.npy", np.zeros((5, 1, 8, 8), np.float32))
    said = likeness("anomaly", with_codes, "--data", "digits", "--normal", tmp_path / "normal.npy")
    assert (said.code, "give 19 or more" in said.err) == (2, True), said.err
    said = likeness("anomaly", with_codes, "--data", "digits", "--false-alarms", 2)
    assert (said.code, "false-alarm rate" in said.err) == (2, True), said.err


def test_a_run_without_codes_is_refused(trained: Path, likeness) -> None:
    said = likeness("anomaly", trained, "--data", "digits")
    assert (said.code, "has no codes" in said.err) == (2, True), said.err


@pytest.mark.slow
def test_an_energy_flags_noise_and_a_run_without_one_is_refused(with_codes: Path, tmp_path: Path, likeness) -> None:
    x = whole(load("digits").test).x[:150]
    write(torch.cat((x, 2.0 * torch.rand(20, 1, 8, 8) - 1)), tmp_path / "mixed.npy")
    said = likeness("anomaly", with_codes, "--data", tmp_path / "mixed.npy", "--score", "energy")
    assert (said.code, "has no energy" in said.err) == (2, True), said.err
    words = [
        "--data",
        "digits",
        "--steps",
        240,
        "--judge-every",
        240,
        "--vae-steps",
        160,
        "--width",
        8,
        "--batch-size",
        32,
        "--no-report",
    ]
    assert likeness("train", "vaebm", *words, "--out", tmp_path / "run").code == 0
    out = tmp_path / "found.json"
    words = ["--data", tmp_path / "mixed.npy", "--score", "energy", "--json", out]
    said = likeness("anomaly", tmp_path / "run", *words)
    assert said.code == 0, said.err
    flagged = json.loads(out.read_text())["flagged"]
    assert sum(i >= 150 for i in flagged) >= 15
    assert sum(i < 150 for i in flagged) <= 25


def test_what_has_a_likelihood_is_scored_by_it(tmp_path: Path, likeness) -> None:
    words = ["--method", "nce", "--width", 16, "--steps", 60, "--draw-steps", 16, "--judge-every", 60]
    said = likeness("train", "ebm", "--data", "ring8", "--out", tmp_path / "r", *words, "--no-report")
    assert said.code == 0, said.err
    ring = whole(load("ring8").test).x[:50]
    np.save(tmp_path / "mixed.npy", torch.cat((ring, 9 * torch.ones(5, 2))).numpy())
    out = tmp_path / "found.json"
    said = likeness("anomaly", tmp_path / "r", "--data", tmp_path / "mixed.npy", "--score", "unlikely", "--json", out)
    assert said.code == 0, said.err
    assert set(json.loads(out.read_text())["flagged"]) >= set(range(50, 55))
