"""Runs are found and told apart by their files alone, and nothing that is wrong with one hides the others."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from likeness.errors import InputError
from likeness.files import write_json
from likeness.run import checkpoint
from likeness.run.folder import create
from likeness.run.lock import lock
from likeness.run.registry import STATES, entry, find
from likeness.run.track import Tracker


def make(folder: Path, *, recorded: int, saved: int, ended: bool = True, failed: bool = False, steps: int = 30) -> Path:
    """A run that was recorded and saved up to certain steps; its scores are 3, 2, 3, … with 1 at step 20."""
    about = {"data": {"name": "dots", "fingerprint": "abc"}}
    create(folder, "gan", {"data": "dots.npy", "steps": steps}, {}, about)
    tracker = Tracker(folder, to=())
    for i in range(10, recorded + 1, 10):
        tracker.record("terms", i, a=1.0)
        tracker.record("score", i, metric="frechet", value=1.0 if i == 20 else 3.0)
    if ended:
        tracker.close(failed=failed)
    if saved:
        checkpoint.save(folder / "checkpoints" / "last.safetensors", {"w": torch.zeros(1)}, {"iteration": saved})
    return folder


def test_states_come_from_files(tmp_path: Path) -> None:
    made = {
        "done": make(tmp_path / "done", recorded=30, saved=30),
        "stopped": make(tmp_path / "stopped", recorded=20, saved=25),
        "killed": make(tmp_path / "killed", recorded=20, saved=10, ended=False),
        "diverged": make(tmp_path / "diverged", recorded=20, saved=10, failed=True),
        "begun": make(tmp_path / "begun", recorded=0, saved=0, ended=False),
    }
    states = {name: entry(folder).state for name, folder in made.items()}
    crashed = dict.fromkeys(("killed", "diverged", "begun"), "crashed")
    assert states == {"done": "finished", "stopped": "stopped"} | crashed
    assert set(states.values()) < set(STATES)
    with lock(made["killed"]):
        assert entry(made["killed"]).state == "running"
    assert entry(made["killed"]).state == "crashed"


def test_a_lock_dies_with_its_process(tmp_path: Path) -> None:
    run = make(tmp_path / "a", recorded=10, saved=0, ended=False)
    code = f"import time; from pathlib import Path; from likeness.run.lock import lock\nwith lock(Path({str(run)!r})):"
    with subprocess.Popen(
        [sys.executable, "-c", f"{code}\n print('held', flush=True); time.sleep(60)"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        assert entry(run).state == "running"
        process.kill()
    assert entry(run).state == "crashed"


def test_a_report_ends_a_run_that_stopped_early_and_no_longer_one_that_went_on(tmp_path: Path) -> None:
    run = make(tmp_path / "a", recorded=20, saved=20)
    write_json(run / "report.json", {"curves": {"a": [[10, 1.0], [20, 1.0]]}})
    assert entry(run).state == "finished"
    tracker = Tracker(run, to=(), resumed_at=20)
    tracker.record("terms", 30, a=1.0)
    assert entry(run).state == "crashed"
    tracker.close()


def test_what_a_run_came_to(tmp_path: Path) -> None:
    make(tmp_path / "a", recorded=30, saved=30)
    (run,) = find(tmp_path)
    assert (run.name, run.recipe, run.data, run.fingerprint) == ("a", "gan", "dots", "abc")
    assert (run.iteration, run.steps, run.metric, run.score) == (30, 30, "frechet", 1.0)
    assert run.seconds is not None
    assert run.begun is not None
    assert json.loads(json.dumps(run.as_dict()))["begun"].startswith(str(run.begun.year))


def test_the_newest_state_counts_by_its_name_whatever_the_clock_says(tmp_path: Path) -> None:
    run = make(tmp_path / "a", recorded=10, saved=10, ended=False)
    for step, at in ((12, 2e9), (17, 1e9)):
        place = run / "state" / f"step-{step:09d}"
        place.mkdir(parents=True)
        os.utime(place, (at, at))
    assert entry(run).iteration == 17


def test_runs_are_found_below_and_not_within_runs_nor_through_links(tmp_path: Path) -> None:
    make(tmp_path / "runs" / "a", recorded=0, saved=0)
    make(tmp_path / "runs" / "deep" / "er" / "b", recorded=0, saved=0)
    make(tmp_path / "runs" / "a" / "inner", recorded=0, saved=0)
    make(tmp_path / "runs" / ".hidden", recorded=0, saved=0)
    outside = make(tmp_path / "outside", recorded=0, saved=0)
    (tmp_path / "runs" / "link").symlink_to(outside)
    write_json(tmp_path / "runs" / "model" / "config.json", {"model_type": "bert"})
    assert [r.name for r in find(tmp_path / "runs")] == ["a", "deep/er/b"]
    assert [r.name for r in find(tmp_path / "runs" / "a")] == ["a"]
    with pytest.raises(InputError, match="is not a folder"):
        find(tmp_path / "nowhere")


ODD = '{"recipe": "gan", "settings": 3, "facts": {}}'


@pytest.mark.parametrize("config", ["", "{", "[]", "3", ODD, '{"format": 99}'])
def test_a_damaged_run_is_listed_with_its_reason(tmp_path: Path, config: str) -> None:
    make(tmp_path / "good", recorded=10, saved=10)
    bad = make(tmp_path / "bad", recorded=10, saved=10)
    (bad / "config.json").write_text(config)
    found = {r.name: r for r in find(tmp_path)}
    assert found["bad"].state == "damaged"
    assert "config.json" in found["bad"].reason or "bad" in found["bad"].reason
    assert found["good"].state == "stopped"


def test_a_lost_configuration_is_told(tmp_path: Path) -> None:
    bad = make(tmp_path / "bad", recorded=10, saved=10)
    (bad / "config.json").unlink()
    (run,) = find(tmp_path)
    assert "no config.json" in run.reason


def test_no_damage_is_a_fault_of_ours(tmp_path: Path) -> None:
    """Every file of a run cut short or overwritten at random: it is listed all the same."""
    dice = random.Random(0)
    for trial in range(60):
        run = make(tmp_path / f"{trial}", recorded=30, saved=30)
        write_json(run / "report.json", {"curves": {"a": [[10, 1.0]]}})
        path = dice.choice(sorted(p for p in run.rglob("*") if p.is_file()))
        data = bytearray(path.read_bytes())
        for _ in range(dice.randrange(1, 4)):
            if data:
                data[dice.randrange(len(data))] = dice.randrange(256)
        path.write_bytes(data[: dice.randrange(len(data) + 1)])
    found = find(tmp_path)
    assert len(found) >= 59
    assert {r.state for r in found} <= set(STATES)
