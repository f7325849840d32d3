"""A run trains from the command line, survives an interrupt, and refuses bad input before any work."""

import json
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def test_a_run_holds_what_it_was_and_what_it_learned(trained: Path) -> None:
    config = json.loads((trained / "config.json").read_text())
    assert config["recipe"] == "gan"
    assert config["settings"]["lr_g"] > 0, "choices that were left open are recorded as they were made"
    assert config["data"]["train"] == config["facts"]["n_train"]
    assert (trained / "checkpoints" / "best.safetensors").is_file()
    lines = [json.loads(line) for line in (trained / "metrics.jsonl").read_text().splitlines()]
    assert {line["kind"] for line in lines} >= {"terms", "score"}


def test_the_same_seed_trains_the_same_weights(trained: Path, tmp_path: Path, likeness) -> None:
    small = ["--steps", 12, "--batch-size", 16, "--width", 8, "--judge-every", 6, "--features", "pca", "--no-report"]
    assert likeness("train", "gan", "--data", "digits", "--device", "cpu", "--out", tmp_path / "r", *small).code == 0
    ours, theirs = (p / "checkpoints" / "last.safetensors" for p in (trained, tmp_path / "r"))
    a, b = ours.read_bytes(), theirs.read_bytes()
    start = [int.from_bytes(x[:8], "little") + 8 for x in (a, b)]  # the header holds the seconds it took
    assert a[start[0] :] == b[start[1] :]


def test_a_taken_folder_is_left_alone(trained: Path, likeness) -> None:
    before = sorted((p, p.stat().st_mtime_ns) for p in trained.rglob("*"))
    said = likeness("train", "gan", "--data", "digits", "--out", trained)
    assert said.code == 2
    assert "already exists and is not empty" in said.err
    assert before == sorted((p, p.stat().st_mtime_ns) for p in trained.rglob("*"))


def picture(path: Path, side: int = 16) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((side, side), 7, np.uint8)).save(path)


def missing(folder: Path) -> tuple[list[object], str]:
    return ["--data", folder / "nowhere.npy"], "does not exist"


def empty(folder: Path) -> tuple[list[object], str]:
    (folder / "none").mkdir()
    return ["--data", folder / "none"], "none"


def truncated(folder: Path) -> tuple[list[object], str]:
    for i in range(30):
        picture(folder / "cut" / f"{i}.png")
    bad = folder / "cut" / "7.png"
    bad.write_bytes(bad.read_bytes()[:40])
    return ["--data", folder / "cut"], "7.png"


def mixed(folder: Path) -> tuple[list[object], str]:
    for i in range(30):
        picture(folder / "mixed" / f"{i}.png", 16 if i else 24)
    return ["--data", folder / "mixed"], "--size"


def not_a_number(folder: Path) -> tuple[list[object], str]:
    x = np.zeros((50, 3), np.float32)
    x[17, 1] = np.nan
    np.save(folder / "nan.npy", x)
    return ["--data", folder / "nan.npy"], "17"


def text(folder: Path) -> tuple[list[object], str]:
    rows = "\n".join(f"{i},name {i} of many" for i in range(300))
    (folder / "text.csv").write_text(f"a,b\n{rows}\n")
    return ["--data", folder / "text.csv"], "'b'"


def slip(folder: Path) -> tuple[list[object], str]:
    return ["--data", "digit"], "did you mean digits?"


def unlabelled(folder: Path) -> tuple[list[object], str]:
    return ["--data", "ring8", "--conditional"], "--conditional needs labels"


def rate(folder: Path) -> tuple[list[object], str]:
    return ["--data", "ring8", "--lr-g", "-1"], "--lr-g -1.0: give a number above zero"


def large_batch(folder: Path) -> tuple[list[object], str]:
    return ["--data", "digits", "--batch-size", 10**6], "--batch-size 1000000"


CASES = [missing, empty, truncated, mixed, not_a_number, text, slip, unlabelled, rate, large_batch]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.__name__)
def test_bad_input_is_one_line_and_leaves_nothing(case, tmp_path: Path, likeness) -> None:
    words, clue = case(tmp_path)
    said = likeness("train", "gan", *words, "--out", tmp_path / "run", "--steps", 5)
    assert said.code == 2, said.err
    last = said.err.strip().splitlines()[-1]
    assert last.startswith("likeness: ")
    assert clue in last
    assert "Traceback" not in said.err
    assert not (tmp_path / "run").exists()


def test_an_unknown_recipe_is_named(likeness) -> None:
    said = likeness("train", "gam", "--data", "digits")
    assert (said.code, "did you mean gan or" in said.err) == (2, True)


@pytest.mark.slow
def test_a_run_that_is_interrupted_can_be_sampled_from(tmp_path: Path, likeness, apart) -> None:
    words = ["train", "gan", "--data", "ring8", "--steps", 10**6, "--judge-every", 10**6, "--width", 16, "--out", "run"]
    process = apart(*words)
    metrics = tmp_path / "run" / "events"
    for _ in range(600):
        if metrics.exists():
            break
        time.sleep(0.1)
    time.sleep(3)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2, err
    assert "interrupted at step" in err
    assert "Traceback" not in err
    assert likeness("sample", tmp_path / "run", "-n", 5, "--out", tmp_path / "x.npy").code == 0
    assert np.load(tmp_path / "x.npy").shape == (5, 2)


def test_too_few_samples_for_a_report_are_told_before_a_folder_is_made(tmp_path: Path, likeness) -> None:
    np.save(tmp_path / "few.npy", np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32))
    said = likeness("train", "gan", "--data", tmp_path / "few.npy", "--steps", 2, "--out", tmp_path / "r")
    assert said.code == 2
    assert "too few for a report" in said.err
    assert not (tmp_path / "r").exists()


def test_draws_are_judged_by_the_codes_of_a_run(with_codes: Path, tmp_path: Path, likeness) -> None:
    small = ["--steps", 4, "--batch-size", 16, "--width", 8, "--judge-every", 2, "--no-report"]
    out = tmp_path / "r"
    given = "train", "gan", "--data", "digits", "--device", "cpu", *small, "--out", out, "--features"
    said = likeness(*given, f"run:{tmp_path / 'none'}")
    assert (said.code, "does not exist" in said.err, out.exists()) == (2, True, False)
    assert likeness(*given, f"run:{with_codes}").code == 0
    assert json.loads((out / "config.json").read_text())["settings"]["features"] == f"run:{with_codes}"


def test_a_space_that_does_not_suit_is_told_before_a_folder_is_made(with_codes: Path, tmp_path: Path, likeness) -> None:
    for data, name, clue in (
        ("normal", "classifier", "needs labels"),
        ("ring8", f"run:{with_codes}", "encodes (1, 8, 8)"),
        ("ring8", "incepton", "did you mean inception"),
    ):
        said = likeness("train", "gan", "--data", data, "--steps", 2, "--out", tmp_path / "r", "--features", name)
        assert (said.code, clue in said.err, (tmp_path / "r").exists()) == (2, True, False), said.err
