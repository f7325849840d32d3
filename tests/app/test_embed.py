"""Codes are those of the model, row by row, of any run with an encoder; others are refused in one line."""

from pathlib import Path

import numpy as np
import pytest
import torch

from likeness.app.neighbours import vectors_of
from likeness.data import load
from likeness.data.export import write
from likeness.data.made_words import sentences
from likeness.recipes.pipeline import reopen


def test_codes_come_row_by_row_whatever_way_the_data_come(with_codes: Path, tmp_path: Path, likeness) -> None:
    x = load("digits").test[torch.arange(30)].x
    write(x, tmp_path / "x.npy")
    write(x, tmp_path / "folder")
    for data in ("x.npy", "folder"):
        said = likeness("embed", with_codes, "--data", tmp_path / data, "--out", tmp_path / f"{data}.codes.npy")
        assert said.code == 0, said.err
    assert "16 numbers for 64 (25%)" in said.err
    found = [np.load(tmp_path / f"{data}.codes.npy") for data in ("x.npy", "folder")]
    expected = reopen(with_codes).model.encode(x)
    for codes in found:
        np.testing.assert_allclose(codes, expected.numpy(), rtol=1e-4, atol=1e-4)
    said = likeness("embed", with_codes, "--data", "digits")
    assert said.code == 0, said.err
    np.testing.assert_allclose(np.load(with_codes / "codes.npy")[:30], found[0], rtol=1e-4, atol=1e-4)


def test_a_run_of_rows_codes_a_table_with_its_own_columns(tmp_path: Path, likeness) -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=300) * 50 + 7
    rows = [f"{v:.4f},{-v:.4f},{'x' if v > 0 else 'y'}" for v in a]
    (tmp_path / "all.csv").write_text("\n".join(["a,b,kind", *rows]))
    (tmp_path / "few.csv").write_text("\n".join(["kind,a,b", "y,-1.5,1.5", "x,20,-20"]))
    small = ["--steps", 20, "--width", 8, "--batch-size", 32, "--no-report", "--out", tmp_path / "run"]
    said = likeness("train", "vae", "--data", tmp_path / "all.csv", "--device", "cpu", *small)
    assert said.code == 0, said.err
    said = likeness("embed", tmp_path / "run", "--data", tmp_path / "few.csv", "--out", tmp_path / "z.npy")
    assert said.code == 0, said.err
    session = reopen(tmp_path / "run")
    x = torch.tensor([[-1.5, 1.5], [20.0, -20.0]])
    scale = [(c.mean, c.std) for c in session.columns.columns[:2]]
    x = torch.cat(((x - torch.tensor(scale)[:, 0]) / torch.tensor(scale)[:, 1], torch.tensor([[0.0, 1], [1, 0]])), 1)
    np.testing.assert_allclose(np.load(tmp_path / "z.npy"), session.model.encode(x).numpy(), rtol=1e-3, atol=1e-3)


def test_each_line_of_a_text_is_coded_by_a_run_of_words(tmp_path: Path, likeness) -> None:
    text = tmp_path / "made.txt"
    text.write_text("\n".join(" ".join(words) for words in sentences(600, noise=0.2)))
    small = ["--tokens", "words", "--length", 8, "--method", "ppmi", "--d", 8, "--batch-size", 32, "--steps", 20]
    said = likeness("train", "word-vectors", "--data", text, *small, "--device", "cpu", "--out", tmp_path / "run")
    assert said.code == 0, said.err
    (tmp_path / "new.txt").write_text("king\n\nKing, queen!\nsomething unheard\n")
    said = likeness("embed", tmp_path / "run", "--data", tmp_path / "new.txt", "--out", tmp_path / "z.npy")
    assert said.code == 0, said.err
    king, both, none = np.load(tmp_path / "z.npy")
    found = vectors_of(reopen(tmp_path / "run"))
    np.testing.assert_allclose(king, found["king"], rtol=1e-5)
    np.testing.assert_allclose(both, (found["king"] + found["queen"]) / 2, rtol=1e-5)
    assert not none.any()
    (tmp_path / "long.txt").write_text("king " * 9)
    said = likeness("embed", tmp_path / "run", "--data", tmp_path / "long.txt")
    assert (said.code, "has 9 words and the run takes 8" in said.err) == (2, True)


def test_a_run_without_codes_is_refused(trained: Path, likeness) -> None:
    said = likeness("embed", trained, "--data", "digits")
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert "(gan) has no codes: use a run with an encoder" in said.err


@pytest.mark.parametrize("data", ["ring8", "missing.npy"])
def test_data_that_do_not_fit_are_refused(with_codes: Path, likeness, data: str) -> None:
    said = likeness("embed", with_codes, "--data", data)
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert data in said.err
