"""Diagnosing a run writes its page; a loss is converted without one; every mistake is one line."""

import json
from pathlib import Path

import pytest


def test_a_loss_is_told_in_words(likeness) -> None:
    said = likeness("diagnose", "--mean-error", "--sigma", 0.1, "--pixels", 784, "--latents", 20)
    assert said.code == 0, said.err
    assert "KL weight of 784" in said.err + said.out
    assert "σ = 0.00357" in said.err + said.out


def test_with_data_the_threshold_is_told_in_the_losss_own_units(likeness, tmp_path: Path) -> None:
    found = {}
    for low in (0, -1):
        out = tmp_path / f"{low}.json"
        said = likeness("diagnose", "--loss", "--sigma", 1, "--data", "digits", "--low", low, "--json", out)
        assert said.code == 0, said.err
        found[low] = json.loads(out.read_text())["loss"]["numbers"]["threshold"]
    assert found[0] == pytest.approx(0.836, abs=0.01)
    assert found[-1] == pytest.approx(2 * found[0])


@pytest.mark.parametrize(
    ("words", "clue"),
    [
        ([], "give the folder of a run, or a loss"),
        (["--loss"], "--pixels N"),
        (["--loss", "--mean-kl", "--pixels", 4], "--latents N"),
        (["--sigma", 0, "--pixels", 4], "sigma 0"),
        (["--loss", "--pixels", 3, "--data", "digits"], "have 64"),
        (["/"], "is not a run"),
        (["nowhere"], "does not exist"),
        (["/", "--loss", "--pixels", 4], "give the folder of a run, or a loss"),
    ],
)
def test_mistakes_are_one_line(likeness, words: list[object], clue: str) -> None:
    said = likeness("diagnose", *words)
    assert said.code == 2
    assert clue in said.err.splitlines()[-1]


def test_a_run_without_a_likelihood_is_diagnosed_by_its_draws(likeness, trained: Path, tmp_path: Path) -> None:
    said = likeness("diagnose", trained, "--device", "cpu", "--json", tmp_path / "d.json")
    assert said.code == 0, said.err
    assert (trained / "diagnosis.html").is_file()
    assert {"draws", "blur", "training"} == set(json.loads((tmp_path / "d.json").read_text()))
    said = likeness("judge", trained, "--ood", "digits")
    assert (said.code, "has no likelihood" in said.err) == (2, True)
    said = likeness("judge", "--ood", "digits", "--samples", "a.npy")
    assert (said.code, "--ood needs the folder" in said.err) == (2, True)
