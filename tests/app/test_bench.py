"""A measurement is shown and written, compares what can be changed, and leaves no run behind."""

import json
from pathlib import Path

import pytest

from likeness.app import bench
from likeness.run.speed import PARTS

SMALL = ["--seconds", 0.1, "--batch-size", 16, "--width", 8, "--device", "cpu"]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_what_was_measured_is_shown_and_written(likeness, tmp_path: Path) -> None:
    said = likeness("bench", "gan", "--data", "ring8", *SMALL, "--json", "speed.json")
    assert said.code == 0, said.err
    found = json.loads((tmp_path / "speed.json").read_text())
    assert list(found["parts_ms"]) == list(PARTS)
    assert found["samples_per_second"] == pytest.approx(16 / found["step_ms"] * 1000)
    assert 0 < found["share_of_peak"] < 1
    assert found["memory"]["host"] >= found["memory_before"]["host"] > 0
    for words in (*PARTS, "samples a second", "GFLOP/s", "MiB", f"{found['step_ms']:.3f} ms"):
        assert words in said.out, words
    assert [p.name for p in tmp_path.iterdir()] == ["speed.json"], "no run is made"


def test_variants_stand_side_by_side(likeness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "variants", without_compiling(bench.variants))
    said = likeness("bench", "gan", "--data", "digits", *SMALL, "--compare", "--json", "speed.json")
    assert said.code == 0, said.err
    found = json.loads((tmp_path / "speed.json").read_text())["variants"]
    assert next(iter(found)) == "as given"
    assert found["as given"]["ratio"] == 1
    assert {"--precision bf16", "channels first in memory", "optimisers fused"} < set(found)
    assert all(name in said.out for name in found)
    assert "fastest here: " in said.out


def without_compiling(variants):
    def fewer(settings, **about):
        return {label: made for label, made in variants(settings, **about).items() if "compile" not in label}

    return fewer


def test_what_cannot_be_compiled_is_told(likeness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("no compiler\n  at all")

    monkeypatch.setattr("torch.nn.Module.compile", lambda net: setattr(net, "_compiled_call_impl", fails))
    said = likeness("bench", "gan", "--data", "ring8", *SMALL, "--compare", "--json", "speed.json")
    assert said.code == 0, said.err
    assert "--compile cannot be run here: no compiler\n" in said.err
    assert "--compile" not in json.loads((tmp_path / "speed.json").read_text())["variants"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--seconds", 0], "--seconds 0.0: give a number above zero"),
        (["--processes", 2], "a step is measured in one process"),
        (["--batch-size", 10**6], "batch size"),
        (["--lr-g", -1], "--lr-g"),
    ],
)
def test_what_makes_no_sense_is_refused(likeness, words: list[object], told: str) -> None:
    said = likeness("bench", "gan", "--data", "ring8", *words)
    assert said.code == 2
    assert told in said.err
    assert said.err.count("\n") == 1


def test_without_a_recipe_it_lists_them(likeness) -> None:
    assert "gan" in likeness("bench").out
    assert likeness("bench", "gna", "--data", "ring8").code == 2
