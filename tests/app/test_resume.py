"""`likeness train --resume`: it goes on as if it had not stopped, and what cannot go on is one clear line."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from likeness.app.cli import main
from likeness.run import checkpoint, state
from likeness.run.lock import lock
from likeness.run.track import records

TRAIN = "--steps 60 --batch-size 32 --width 16 --save-every 10 --judge-every 20 --no-report --device cpu --threads 1"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("points.npy", np.random.default_rng(0).normal(size=(400, 2)).astype(np.float32))


def likeness(*words: str) -> int:
    return main([w for word in words for w in word.split()])


def train(out: str, *more: str) -> int:
    return likeness(f"train gan --data points.npy --out {out} {TRAIN}", *more)


def weights(run: str) -> dict[str, torch.Tensor]:
    return checkpoint.load(Path(run) / "checkpoints" / "last.safetensors")[0]


def same(a: str, b: str) -> bool:
    x, y = weights(a), weights(b)
    return x.keys() == y.keys() and all(torch.equal(x[k], y[k]) for k in x)


def told(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err.splitlines()[-1]


def started(*words: str) -> subprocess.Popen[str]:
    listen = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"  # a background job ignores it
    code = f"{listen}; import sys; from likeness.app.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", code, *(w for word in words for w in word.split())]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})


def until(condition) -> None:
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come to that within 30 s")


def later(run: str, after: int = 1) -> bool:
    return any(int(p.name[5:]) >= after for p in (Path(run) / "state").glob("step-*"))


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_first_and_the_run_goes_on_as_if_nothing_had_been(number: int) -> None:
    long = "--steps 900 --save-every 20 --judge-every 450"
    process = started(f"train gan --data points.npy --out cut {TRAIN}", long)
    until(lambda: later("cut", 60))
    process.send_signal(number)
    error = process.communicate(timeout=60)[1]
    assert process.returncode == 2
    assert "go on with: likeness train --resume cut" in error.splitlines()[-1]
    found, _ = state.newest(Path("cut"))
    assert found is not None
    assert 0 < found.iteration < 900
    assert likeness("train --resume cut") == 0
    assert train("whole", long) == 0
    assert same("whole", "cut")
    for kind in ("terms", "score", "finding"):
        a, b = (
            [{k: v for k, v in r.items() if k != "seconds"} for r in records(Path(run), kind)]
            for run in ("whole", "cut")
        )
        assert a == b


def test_more_steps_and_other_rates_are_written_down() -> None:
    assert train("run") == 0
    assert likeness("train --resume run --steps 80 --lr-g 0.005") == 0
    config = json.loads(Path("run/config.json").read_text())
    assert config["settings"]["steps"] == 80
    (step,) = config["resumed"]
    assert step["iteration"] == 60
    assert step["changed"]["steps"] == [60, 80]
    assert step["changed"]["lr_g"][1] == 0.005
    found, _ = state.newest(Path("run"))
    assert found is not None
    assert found.iteration == 80
    packed = json.dumps(found.facts["parts"]["optimiser1"])
    assert (0.005).hex() in packed, "the generator's new rate is the one it goes on with"


def test_there_may_be_nothing_left(capsys: pytest.CaptureFixture[str]) -> None:
    assert train("run") == 0
    before = weights("run")
    assert likeness("train --resume run") == 0
    assert "nothing left to learn: give more --steps" in capsys.readouterr().err
    assert all(torch.equal(v, weights("run")[k]) for k, v in before.items())


def test_a_damaged_state_is_passed_over(capsys: pytest.CaptureFixture[str]) -> None:
    assert train("run") == 0
    assert train("whole") == 0
    file = next(state.place(Path("run"), 60).glob("*.safetensors"))
    file.write_bytes(file.read_bytes()[:100])
    assert likeness("train --resume run") == 0
    said = capsys.readouterr().err
    assert "The state step-000000060 is damaged" in said
    assert "goes on from step 50 of 60" in said
    assert same("run", "whole")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("--resume nowhere", "nowhere does not exist"),
        ("--resume .", "is not a run"),
        ("--resume", "give the folder of the run"),
        ("--resume run --width 20", "--width cannot be changed when a run goes on"),
        ("--resume run --batch-size 16", "--batch-size cannot be changed"),
        ("--resume run --steps 0", "--steps 0"),
        ("--resume run --data other.npy", "other.npy does not hold the data that run began with"),
    ],
)
def test_what_cannot_go_on_is_one_line(words: str, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    if "run" in words.split():
        assert train("run") == 0
    np.save("other.npy", np.zeros((400, 2), np.float32) + np.arange(400)[:, None])
    before = {p: p.read_bytes() for p in Path().rglob("*") if p.is_file()}
    assert likeness("train", words) == 2
    assert line in told(capsys)
    assert before == {p: p.read_bytes() for p in Path().rglob("*") if p.is_file()}, "something on disk was touched"


def test_data_that_changed_under_the_same_name_are_noticed(capsys: pytest.CaptureFixture[str]) -> None:
    assert train("run") == 0
    np.save("points.npy", np.random.default_rng(1).normal(size=(400, 2)).astype(np.float32))
    assert likeness("train --resume run") == 2
    assert "fingerprints differ" in told(capsys)


def test_data_may_move() -> None:
    assert train("run") == 0
    Path("points.npy").rename("moved.npy")
    assert likeness("train --resume run --steps 70 --data moved.npy") == 0


def test_a_run_of_a_newer_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert train("run") == 0
    config = json.loads(Path("run/config.json").read_text())
    Path("run/config.json").write_text(json.dumps(config | {"format": 99, "likeness": "9.9"}))
    assert likeness("train --resume run") == 2
    assert "made by likeness 9.9, a newer version" in told(capsys)


def test_a_run_in_use_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert train("run") == 0
    with lock(Path("run")):
        other = started("train --resume run --steps 90")
        error = other.communicate(timeout=60)[1]
    assert other.returncode == 2
    assert "is being trained by another process" in error.splitlines()[-1]


def test_a_clock_that_goes_backwards_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert train("whole") == 0
    assert train("run", "--steps 30") == 0
    for file in Path("run").rglob("*"):
        os.utime(file, (4e9, 4e9))
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - 1e6)
    assert likeness("train --resume run --steps 60") == 0
    found, _ = state.newest(Path("run"))
    assert found is not None
    assert found.iteration == 60
    assert same("run", "whole")
    assert [r["iteration"] for r in records(Path("run"), "score")] == [20, 40, 60]


@pytest.mark.slow
def test_a_killed_worker_begins_again_from_the_last_state() -> None:
    two = "--processes 2 --max-restarts 2 --steps 200 --save-every 10"
    process = started(f"train gan --data points.npy --out cut {TRAIN}", two)
    until(lambda: later("cut", 30))
    workers = subprocess.run(
        ["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=True
    ).stdout.split()
    os.kill(int(workers[-1]), signal.SIGKILL)
    error = process.communicate(timeout=120)[1]
    assert process.returncode == 0, error
    assert "goes on from step" in error
    whole = started(f"train gan --data points.npy --out whole {TRAIN}", two)
    assert whole.wait(timeout=120) == 0
    assert same("whole", "cut")


@pytest.mark.slow
def test_a_mistake_in_many_processes_is_one_line() -> None:
    process = started(f"train gan --data points.npy --out cut {TRAIN} --processes 2 --shard")
    error = process.communicate(timeout=100)[1]
    assert process.returncode == 2
    lines = [line for line in error.splitlines() if line.startswith("likeness:")]
    assert len(lines) == 1, error
    assert "trains several players" in lines[0]
    assert "Traceback" not in error


@pytest.mark.slow
def test_a_restart_before_the_first_state_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    assert train("whole") == 0
    Path("run").mkdir()
    Path("run/config.json").write_text(Path("whole/config.json").read_text())
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    assert train("run") == 0
    assert same("run", "whole")
