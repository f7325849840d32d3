"""`likeness runs` as a person calls it: a list, runs side by side, and nothing removed that was not named before."""

import json
import shutil
import signal
import time
from pathlib import Path

import pytest

from likeness.app.runs import _bytes, _day, _time
from likeness.run.lock import lock


@pytest.fixture
def runs(tmp_path: Path, trained: Path, trained_on_rings: Path) -> Path:
    """Two runs that ended, one of another data set, and one that cannot be read."""
    folder = tmp_path / "runs"
    for name, source in (("digits", trained), ("deep/rings", trained_on_rings), ("again", trained)):
        shutil.copytree(source, folder / name)
    config = json.loads((folder / "again" / "config.json").read_text())
    config["settings"]["lr_g"] = 0.5
    config["begun"] = "2001-01-01T00:00:00+00:00"
    (folder / "again" / "config.json").write_text(json.dumps(config))
    (folder / "bad").mkdir()
    (folder / "bad" / "config.json").write_text("{")
    return folder


def names(path: Path) -> list[str]:
    return [r["name"] for r in json.loads(path.read_text())]


def test_the_list(runs: Path, likeness, tmp_path: Path) -> None:
    said = likeness("runs", runs, "--json", tmp_path / "list.json")
    assert said.code == 0, said.err
    assert "12/12" in said.out
    assert "300/300" in said.out
    assert "ring8" in said.out
    assert said.err.startswith("! bad is damaged: ")
    assert said.err.count("\n") == 1
    listed = {r["name"]: r for r in json.loads((tmp_path / "list.json").read_text())}
    assert listed["digits"]["state"] == "finished"
    assert listed["digits"]["metric"] == "frechet"
    assert listed["digits"]["seconds"] > 0
    assert listed["bad"]["state"] == "damaged"
    assert names(tmp_path / "list.json")[-2:] == ["again", "bad"], "the oldest, and what has no beginning"


def test_the_order(runs: Path, likeness, tmp_path: Path) -> None:
    out = tmp_path / "list.json"
    likeness("runs", runs, "--by", "name", "--json", out)
    assert names(out) == ["again", "bad", "deep/rings", "digits"]
    likeness("runs", runs, "--by", "score", "--json", out)
    assert names(out)[-1] == "bad"


def test_an_empty_folder_and_none(tmp_path: Path, likeness) -> None:
    said = likeness("runs", tmp_path)
    assert (said.code, said.out) == (0, "")
    assert "no runs" in said.err
    assert "is not a folder" in likeness("runs", tmp_path / "none").err


def test_side_by_side(runs: Path, likeness, tmp_path: Path) -> None:
    out = tmp_path / "compared.json"
    said = likeness("runs", "compare", runs / "digits", runs / "again", "--json", out)
    assert said.code == 0, said.err
    assert "lr_g" in said.out
    assert "batch_size" not in said.out, "it is the same in both"
    assert "data: the same" in said.err
    found = json.loads(out.read_text())
    assert found["same_data"] is True
    assert found["settings that differ"]["lr_g"][1] == 0.5
    assert found["last values"]["step"] == [12, 12]
    assert len(set(found["scores"]["frechet, best while training"])) == 1


def test_other_data_are_told(runs: Path, likeness) -> None:
    said = likeness("runs", "compare", runs / "digits", runs / "deep" / "rings")
    assert said.code == 0
    assert "The data are not the same" in said.err
    assert "cannot be compared" in said.err
    config = json.loads((runs / "again" / "config.json").read_text())
    config["settings"]["seed"], config["data"]["fingerprint"] = 7, "other"
    (runs / "again" / "config.json").write_text(json.dumps(config))
    assert "Another seed" in likeness("runs", "compare", runs / "digits", runs / "again").err
    assert likeness("runs", "compare", runs / "digits").code == 2
    assert "not valid JSON" in likeness("runs", "compare", runs / "digits", runs / "bad").err


def test_nothing_is_removed_that_was_not_named_and_asked_for(runs: Path, likeness) -> None:
    before = sorted(runs.rglob("*"))
    said = likeness("runs", "prune", runs, "--keep-best", 0)
    assert "--delete does it" in said.err
    for name in ("digits", "again", "deep/rings"):
        assert str(runs / name) in said.out
    assert "bad" not in said.out
    assert sorted(runs.rglob("*")) == before

    said = likeness("runs", "prune", runs, "--older-than", 1000, "--delete")
    assert said.code == 0, said.err
    assert str(runs / "again") in said.out
    assert "digits" not in said.out
    assert not (runs / "again").exists()
    assert sorted(p for p in before if not p.is_relative_to(runs / "again")) == sorted(runs.rglob("*"))


def test_a_running_run_stays(runs: Path, likeness) -> None:
    with lock(runs / "digits"):
        said = likeness("runs", "prune", runs, "--keep-best", 0, "--delete")
        assert said.code == 0, said.err
        assert "running" in likeness("runs", runs).out
    assert sorted(p.name for p in runs.iterdir()) == ["bad", "deep", "digits"]


def test_training_state_alone(runs: Path, likeness) -> None:
    assert (runs / "digits" / "state").is_dir()
    said = likeness("runs", "prune", runs, "--checkpoints", "--delete")
    assert said.code == 0, said.err
    assert not (runs / "digits" / "state").exists()
    assert likeness("sample", runs / "digits", "-n", 2, "--out", runs.parent / "x.npy").code == 0
    assert "nothing to remove" in likeness("runs", "prune", runs, "--checkpoints").err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "say which runs can go"),
        (["--states", "crashd"], "did you mean crashed"),
        (["--states", "running"], "unknown state 'running'"),
        (["--keep-best", -1], "--keep-best -1"),
        (["--older-than", -1], "--older-than -1"),
    ],
)
def test_what_makes_no_sense_is_refused(runs: Path, likeness, words: list[object], told: str) -> None:
    said = likeness("runs", "prune", runs, "--delete", *words)
    assert said.code == 2
    assert told in said.err
    assert (runs / "digits" / "config.json").exists()


def test_a_killed_training_is_told_from_an_interrupted_one(tmp_path: Path, likeness, apart) -> None:
    for name, sent in (("killed", signal.SIGKILL), ("interrupted", signal.SIGINT)):
        words = ["--steps", 1_000_000, "--no-report", "--device", "cpu", "--judge-every", 1_000_000, "--save-every", 10]
        process = apart("train", "gan", "--data", "ring8", "--out", f"runs/{name}", *words)
        while not (tmp_path / "runs" / name / "state" / "step-000000010").exists():
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        process.send_signal(sent)
        process.communicate(timeout=60)
    likeness("runs", tmp_path / "runs", "--json", tmp_path / "list.json")
    listed = {r["name"]: r for r in json.loads((tmp_path / "list.json").read_text())}
    assert listed["killed"]["state"] == "crashed"
    assert listed["interrupted"]["state"] == "stopped"
    assert min(r["iteration"] for r in listed.values()) >= 10


def test_figures_for_people() -> None:
    assert [_time(t) for t in (None, 1.26, 59.94, 200, 7500)] == ["–", "1.3 s", "59.9 s", "3 m 20 s", "2 h 05 m"]
    assert [_bytes(n) for n in (0, 999, 1000, 2_500_000, 3e9, 4e12)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "2.5 MB",
        "3.0 GB",
        "4.0 TB",
    ]
    assert _day(None) == "–"
