"""Reconstructions are nearer to the data than their mean, noise is made and taken away, pictures are of images."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from likeness.data import load, whole


def said_psnr(err: str) -> list[float]:
    return [float(v) for v in re.findall(r"PSNR (\S+) dB", err)]


def test_what_is_written_is_what_is_said(with_codes: Path, tmp_path: Path, likeness) -> None:
    said = likeness("reconstruct", with_codes, "--data", "digits", "--out", tmp_path / "x.npy")
    assert said.code == 0, said.err
    data = load("digits")
    x, found = whole(data.test).x, torch.from_numpy(np.load(tmp_path / "x.npy")) / 127.5 - 1
    error = float((x - found).square().mean())
    assert 10 * np.log10(4 / error) == pytest.approx(said_psnr(said.err)[0], abs=0.1)
    assert error < 0.9 * float((x - whole(data.train).x.mean(0)).square().mean())


def test_noise_belongs_to_the_seed_and_has_its_level(with_codes: Path, tmp_path: Path, likeness) -> None:
    words = ["reconstruct", with_codes, "--data", "digits", "--noise", "gaussian", "--level", 0.6]
    told = [likeness(*words, "--out", tmp_path / f"{i}.npy", "--seed", s).err for i, s in enumerate((0, 0, 1))]
    assert said_psnr(told[0]) == said_psnr(told[1]) != said_psnr(told[2])
    assert said_psnr(told[0])[0] == pytest.approx(10 * np.log10(4 / 0.36), abs=0.1), "the noisy images"
    assert (tmp_path / "0.npy").read_bytes() == (tmp_path / "1.npy").read_bytes()


def test_a_picture_shows_data_noise_and_what_came_of_it(with_codes: Path, tmp_path: Path, likeness) -> None:
    heights = []
    for noise in ("none", "masking"):
        out = tmp_path / f"{noise}.png"
        assert likeness("reconstruct", with_codes, "--data", "digits", "--out", out, "--noise", noise).code == 0
        heights.append(Image.open(out).size[1])
    assert heights[1] > 1.4 * heights[0], "three rows instead of two"


@pytest.mark.parametrize(
    ("words", "clue"),
    [
        (["--level", 0.5], "of no noise"),
        (["--noise", "gaussian", "--level", -1], "standard deviation"),
        (["--noise", "masking", "--level", 2], "share of 2"),
    ],
)
def test_noise_that_cannot_be_is_refused(with_codes: Path, tmp_path: Path, likeness, words, clue: str) -> None:
    said = likeness("reconstruct", with_codes, "--data", "digits", "--out", tmp_path / "x.npy", *words)
    assert (said.code, clue in said.err) == (2, True), said.err
    assert not (tmp_path / "x.npy").exists()


def test_a_run_without_codes_that_knows_of_noise_restores(tmp_path: Path, likeness) -> None:
    words = ["--data", "digits", "--steps", 60, "--judge-every", 30, "--no-report", "--features", "pca"]
    made = likeness("train", "ising", *words, "--out", tmp_path / "r")
    assert made.code == 0, made.err
    out = tmp_path / "x.npy"
    said = likeness("reconstruct", tmp_path / "r", "--data", "digits", "--out", out)
    assert said.code == 0, said.err
    assert set(np.unique(np.load(out))) == {0, 255}
    refused = likeness("embed", tmp_path / "r", "--data", "digits", "--out", tmp_path / "z.npy")
    assert (refused.code, "no codes" in refused.err) == (2, True)
