"""Probes of a run stand beside pixels, PCA and an untrained encoder; what cannot be probed is one line."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from likeness.app.probe import beside, untrained
from likeness.data import load, whole
from likeness.recipes.pipeline import reopen


def test_the_table_holds_every_way_and_number_of_labels(with_codes: Path, tmp_path: Path, likeness) -> None:
    out = tmp_path / "p.json"
    some = whole(load("digits").train, 600)
    np.savez(tmp_path / "some.npz", x=some.x.numpy(), y=some.y.numpy())
    words = ["--data", tmp_path / "some.npz", "--labels", 50, 5000, "--draws", 2, "--corrupt", "--json", out]
    said = likeness("probe", with_codes, *words)
    assert said.code == 0, said.err
    found = json.loads(out.read_text())
    rows = found["probe"]["accuracy"]
    assert list(rows) == ["run (autoencoder)", "random encoder", "raw", "pca16"]
    assert list(rows["raw"]) == ["linear 50", "k-NN 50", "linear all", "k-NN all"]
    assert all(row["linear all"] > row["linear 50"] > 0.3 for row in rows.values())
    assert rows["run (autoencoder)"]["linear all"] > rows["random encoder"]["linear all"]
    assert found["corrupted"]["raw"]["mCE"] == 1
    assert found["corrupted"]["raw"]["gaussian"] < found["corrupted"]["raw"]["clean"]
    assert "random encoder" in said.out


def test_transfer_and_data_without_labels(with_codes: Path, tmp_path: Path, likeness) -> None:
    rng = np.random.default_rng(0)
    y = np.arange(200) % 2
    x = (rng.random((200, 12, 12)) * 120 + 120 * y[:, None, None]).astype(np.uint8)
    np.savez(tmp_path / "other.npz", x=x, y=y)
    np.save(tmp_path / "bare.npy", x)
    np.savez(tmp_path / "rows.npz", x=rng.random((90, 3)).astype(np.float32), y=y[:90])
    words = ["--labels", 20, "--draws", 1, "--json", tmp_path / "p.json"]
    said = likeness("probe", with_codes, *words, "--transfer", tmp_path / "other.npz")
    assert said.code == 0, said.err
    assert json.loads((tmp_path / "p.json").read_text())["transfer"]["accuracy"]["raw"]["linear all"] > 0.9
    said = likeness("probe", with_codes, "--data", tmp_path / "bare.npy")
    assert (said.code, "a probe needs labels" in said.err) == (2, True)
    said = likeness("probe", with_codes, "--data", tmp_path / "rows.npz")
    assert (said.code, said.err.count("\n")) == (2, 1)


def test_the_untrained_encoder_has_the_same_shape_and_other_weights(with_codes: Path) -> None:
    session = reopen(with_codes)
    x = whole(load("digits").test, 20).x
    a, b = untrained(session, 1)(x), untrained(session, 1)(x)
    assert torch.equal(a, b)
    assert a.shape == session.model.encode(x).shape
    assert not torch.allclose(a, session.model.encode(x))
    assert not torch.allclose(a, untrained(session, 2)(x))
    ways = beside(session, whole(load("digits").train).x)
    torch.testing.assert_close(ways["run (autoencoder)"](x), session.model.encode(x))


@pytest.mark.parametrize(
    ("words", "clue"), [(["--labels", 1], "two labels or more"), (["--draws", 0], "one draw or more")]
)
def test_mistakes_are_one_line(with_codes: Path, likeness, words: list[object], clue: str) -> None:
    said = likeness("probe", with_codes, *words)
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert clue in said.err


def test_a_run_without_codes_is_refused(trained: Path, likeness) -> None:
    said = likeness("probe", trained)
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert "gan" in said.err
    assert "has no codes" in said.err


def test_samples_are_judged_in_the_space_of_a_run(with_codes: Path, trained: Path, tmp_path: Path, likeness) -> None:
    x = load("digits")
    np.save(tmp_path / "x.npy", whole(x.train, 300).x.numpy())
    np.save(tmp_path / "y.npy", whole(x.test, 300).x.numpy())
    np.save(tmp_path / "wide.npy", np.zeros((300, 1, 9, 9), np.float32))
    words = ["--reference", tmp_path / "y.npy", "--features", f"run:{with_codes}", "--no-baselines"]
    out = tmp_path / "s.json"
    said = likeness("judge", "--samples", tmp_path / "x.npy", *words, "--json", out)
    assert said.code == 0, said.err
    protocol = json.loads(out.read_text())["protocol"]
    assert protocol["features"] == "run:autoencoder"
    assert len(protocol["weights"]) == 64
    said = likeness("judge", "--samples", tmp_path / "wide.npy", "--reference", tmp_path / "wide.npy", *words[2:])
    assert (said.code, "encodes (1, 8, 8)" in said.err) == (2, True)
    said = likeness("judge", trained, "--features", f"run:{trained}")
    assert (said.code, "has no codes" in said.err) == (2, True)
    said = likeness("judge", trained, "--features", "run:nowhere")
    assert (said.code, "nowhere does not exist" in said.err) == (2, True)
