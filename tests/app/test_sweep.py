"""A sweep from the command line: its result, going on by name, mistakes in one line, and an interrupt."""

import json
import re
import shlex
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from likeness.app.sweep import Options, given_in, parse
from likeness.recipes.common import names, recipe

SMALL = ["--steps", 20, "--batch-size", 32, "--width", 8, "--limit", 400, "--device", "cpu"]


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("likeness.sweep.trial.LARGEST", 400)


@pytest.mark.parametrize("name", names())
def test_no_setting_of_a_recipe_has_the_name_of_an_option(name: str) -> None:
    shared = set(Options.__dataclass_fields__) & set(recipe(name).Settings.__dataclass_fields__)
    assert shared == {"out"}


def test_settings_and_options_are_read_together() -> None:
    words = ["gan", "--data", "ring8", "--lr-g", "0.1", "--no-prune", "--search", "loss", "ema=0:0.5", "--seeds=3"]
    asked = parse(words)
    assert (asked.settings.data, asked.settings.lr_g, asked.settings.report) == ("ring8", 0.1, False)
    assert (asked.options.search, asked.options.seeds, asked.options.prune) == (("loss", "ema=0:0.5"), 3, False)
    assert {"lr_g", "prune", "seeds"} <= asked.given
    assert "loss" not in given_in(["--loss-of", "x"])


def test_a_sweep_ends_with_a_command_and_goes_on_by_name(tmp_path: Path, likeness) -> None:
    out = tmp_path / "sweep"
    words = ["sweep", "gan", "--data", "ring8", *SMALL, "--search", "lr_g", "loss", "--out", out]
    said = likeness(*words, "--trials", 2)
    assert said.code == 0, said.err
    assert "trial 1: frechet" in said.err
    command = shlex.split(said.out.strip().splitlines()[-1])
    assert command[:5] == ["likeness", "train", "gan", "--data", "ring8"]
    read = json.loads((out / "sweep.json").read_text())
    assert [r["state"] for r in read["trials"]] == ["finished"] * 2
    assert read["trials"][0]["own"]

    again = likeness(*command[1:], "--no-report", "--out", tmp_path / "best")
    assert again.code == 0, again.err
    ours, theirs = (
        [json.loads(line) for line in (p / "metrics.jsonl").read_text().splitlines()]
        for p in (tmp_path / "best", out / f"trial-{read['best']:04d}")
    )
    assert [r.get("value") for r in ours] == [r.get("value") for r in theirs], "the command trains the same"

    said = likeness(*words, "--trials", 3)
    assert said.code == 0, said.err
    assert len(re.findall(r"^trial \d+: ", said.err, re.M)) == 1, "only what is new is carried out and told"
    assert len(json.loads((out / "sweep.json").read_text())["trials"]) == 3
    said = likeness(*words, "--lr-d", 0.1)
    assert (said.code, "begun with --lr-d unset, not 0.1" in said.err) == (2, True)


def test_a_sweep_of_which_all_trials_fail_says_so(tmp_path: Path, likeness) -> None:
    words = ["--search", "batch_size=50000,100000", "--steps", 9, "--width", 8, "--limit", 400, "--device", "cpu"]
    said = likeness("sweep", "gan", "--data", "ring8", *words, "--trials", 3, "--out", tmp_path / "s")
    assert said.code == 2
    assert re.search(r"all 3 trials failed, \d of them so: --batch-size \d+: there are", said.err)
    assert "there are" in (tmp_path / "s" / "sweep.html").read_text()


SECRET = "s3cret"
UNREACHED = f"postgresql://me:{SECRET}@127.0.0.1:1/db"


@pytest.mark.parametrize(
    ("words", "clue"),
    [
        (["--storage", UNREACHED, "--data", "nowhere.npy"], "nothing answers there"),
        (["--storage", f"nonsense-{SECRET}"], "not the URL of a database"),
        (["--storage", "sqlite://"], "in memory keeps nothing"),
        (["--search", "lr_x"], "did you mean lr_"),
        (["--search", "lr_g", "--lr-g", "0.1"], "--lr-g is given as well"),
        (["--metric", "fid"], "unknown metric"),
        (["--metric", "inception"], "cannot be had for these data"),
        (["--trials", "0"], "--trials 0"),
        (["--workers", "0"], "--workers 0"),
        (["--processes", "2"], "use --workers"),
        (["--seeds", "0"], "--seeds 0"),
        (["--conditional"], "--conditional needs labels"),
        (["--lr-g", "-1", "--search", "loss"], "--lr-g -1.0"),
        (["--data", "digit"], "did you mean digits"),
    ],
)
def test_bad_input_is_one_line_before_any_trial(words: list[str], clue: str, tmp_path: Path, likeness) -> None:
    data = [] if "--data" in words else ["--data", "ring8"]
    said = likeness("sweep", "gan", *data, "--limit", 400, *words, "--out", tmp_path / "s")
    assert said.code == 2, said.err
    last = said.err.strip().splitlines()[-1]
    assert last.startswith("likeness: ")
    assert clue in last
    assert SECRET not in said.err + said.out
    assert "Traceback" not in said.err
    assert not list((tmp_path / "s").glob("trial-*"))


def test_an_unknown_recipe_is_named(likeness) -> None:
    said = likeness("sweep", "gam", "--data", "digits")
    assert (said.code, "did you mean gan or" in said.err) == (2, True)


@pytest.mark.slow
def test_two_workers_share_the_trials(tmp_path: Path, likeness) -> None:
    np.save(tmp_path / "points.npy", np.random.default_rng(0).normal(size=(600, 2)).astype(np.float32))
    words = ["--search", "lr_g", "--trials", 4, "--workers", 2, "--out", tmp_path / "s"]
    said = likeness("sweep", "gan", "--data", tmp_path / "points.npy", *SMALL, *words)
    assert said.code == 0, said.err
    rows = json.loads((tmp_path / "s" / "sweep.json").read_text())["trials"]
    assert [r["state"] for r in rows] == ["finished"] * 4, said.err
    assert all(f"trial {r['number']}: frechet" in said.err for r in rows)


@pytest.mark.slow
def test_an_interrupt_keeps_what_is_finished_and_says_how_to_go_on(tmp_path: Path, apart) -> None:
    words = ["sweep", "gan", "--data", "ring8", *SMALL, "--search", "lr_g", "--trials", 500, "--out", "s"]
    process = apart(*words)
    end = time.monotonic() + 60
    while not (tmp_path / "s" / "trial-0002").exists():
        assert time.monotonic() < end
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2, err
    assert "Traceback" not in err
    told = err.strip().splitlines()[-1]
    assert told.startswith(
        "likeness: interrupted; what is finished is kept, and this goes on with it: likeness sweep gan"
    )
    states = [r["state"] for r in json.loads((tmp_path / "s" / "sweep.json").read_text())["trials"]]
    assert states.count("finished") >= 2
    assert set(states) <= {"finished", "failed", "waiting", "pruned"}, "none is left running"
