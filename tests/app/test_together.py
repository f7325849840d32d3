"""Verbs on several real processes, which talk by gloo, do what one process does."""

import json
from pathlib import Path

import numpy as np
import pytest

from likeness.app.together import together
from likeness.errors import InputError


def test_alone_there_is_nobody_to_join() -> None:
    with together("cpu", None) as where:
        assert where == "cpu"
    with pytest.raises(InputError, match="threads 0"), together("cpu", 0):
        pass


@pytest.mark.slow
def test_two_processes_draw_refine_and_judge_as_one(trained_on_rings: Path, likeness, apart, tmp_path: Path) -> None:
    verbs = {
        "sample": ["-n", 300, "--batch-size", 64, "--out"],
        "refine": ["-n", 200, "--ratio-steps", 40, "--batch-size", 64, "--out"],
        "judge": ["--features", "raw", "--json"],
    }
    for verb, words in verbs.items():
        ending = ".json" if verb == "judge" else ".npy"
        given = [verb, trained_on_rings, "--device", "cpu", "--threads", 1, *words]
        both = apart(*given, f"two-{verb}{ending}", "--processes", 2)
        one = likeness(*given, tmp_path / f"one-{verb}{ending}")
        out, err = both.communicate(timeout=120)
        assert (one.code, both.returncode) == (0, 0), err
        assert out == one.out, "the first process speaks, and nobody else"
    for verb in ("sample", "refine"):
        one, two = (np.load(tmp_path / f"{n}-{verb}.npy") for n in ("one", "two"))
        assert np.array_equal(one, two)
    tables = [json.loads((tmp_path / f"{n}-judge.json").read_text())["scores"] for n in ("one", "two")]
    one, two = ([row[end] for row in rows for end in ("value", "low", "high")] for rows in tables)
    assert one == pytest.approx(two, rel=1e-9)


def test_a_mistake_is_said_and_ends_all(apart) -> None:
    process = apart("sample", "no-run", "--processes", 2)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 2
    assert "no-run does not exist" in said
    assert "Traceback" not in said
