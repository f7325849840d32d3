"""Several processes carry out one sweep; what one of them cannot do is told, and closing ends them all."""

import os
import signal
import time
from typing import Any

import pytest

from likeness.errors import InputError
from likeness.judge.features import raw
from likeness.recipes.pipeline import read
from likeness.sweep.fleet import alone, together
from likeness.sweep.plan import study_of
from likeness.sweep.storage import in_folder, opened
from likeness.sweep.work import places


def test_alone_it_does_all_and_tells_what_it_does(plan: Any) -> None:
    made = plan(trials=2)
    made.folder.mkdir()
    data = read(made.settings)
    study = study_of(made, data, opened(in_folder(made.folder)))
    told: list[str] = []
    for _ in alone(made, study, data, raw(), told.append):
        pass
    assert [t.state.name for t in study.trials] == ["COMPLETE"] * 2
    assert "trial 1: step 20" in told
    assert "judging trial 1" in told


def test_two_processes_share_the_trials_and_a_killed_one_is_made_up_for(plan: Any, server: Any) -> None:
    made, url = plan(trials=4), server.database()
    study = study_of(made, read(made.settings), opened(url, heartbeat=1))
    victim: int | None = None
    for _ in together(made, url, 2):
        running = [t for t in study.trials if t.state.name == "RUNNING" and "worker" in t.user_attrs]
        workers = {int(t.user_attrs["worker"].split()[-1]) for t in study.trials if "worker" in t.user_attrs}
        if victim is None and running and len(workers) == 2:
            victim = int(running[0].user_attrs["worker"].split()[-1])
            os.kill(victim, signal.SIGKILL)
    assert victim is not None, "both took part"
    assert [t.state.name for t in places(study.trials)] == ["COMPLETE"] * 4
    assert all((made.folder / f"trial-{t.number:04d}" / "config.json").is_file() for t in places(study.trials))


def test_closing_ends_the_workers_and_their_trials_wait(plan: Any, server: Any) -> None:
    made, url = plan(trials=2, settings={"steps": 10**6, "judge_every": 10**6}), server.database()
    study = study_of(made, read(made.settings), opened(url, heartbeat=1))
    steps = together(made, url, 1)
    end = time.monotonic() + 60
    for _ in steps:
        assert time.monotonic() < end
        if (made.folder / "trial-0000" / "events").exists():
            break
    (pid,) = {int(t.user_attrs["worker"].split()[-1]) for t in study.trials if "worker" in t.user_attrs}
    steps.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert [t.state.name for t in study.trials] == ["FAIL", "WAITING"]
    assert study.trials[0].user_attrs["message"] == "interrupted"
    assert (made.folder / "trial-0000" / "checkpoints" / "last.safetensors").is_file()


def test_what_no_worker_can_do_is_told_in_its_words(plan: Any, tmp_path: Any) -> None:
    made = plan(settings={"steps": 21})
    url = in_folder(tmp_path)
    study_of(plan(), read(made.settings), opened(url))
    with pytest.raises(InputError, match="--steps 20, not 21"):
        for _ in together(made, url, 1):
            pass
