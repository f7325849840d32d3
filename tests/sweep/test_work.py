"""Workers share a count of trials: none is lost, none is one too many, whatever happens to a worker."""

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from likeness.errors import DivergedError, InputError
from likeness.sweep.storage import in_folder, opened
from likeness.sweep.work import _one, again, pending, places, told, work

GRACE = 3.0


def study_in(url: str) -> optuna.Study:
    storage = opened(url, heartbeat=1)
    return optuna.create_study(storage=storage, study_name="s", load_if_exists=True)


def run(study: optuna.Study, objective: Callable[..., float], trials: int) -> None:
    for _ in work(study, objective, trials, grace=GRACE):
        pass


def states(study: optuna.Study) -> list[str]:
    return [t.state.name for t in study.trials]


def x(trial: optuna.Trial) -> float:
    return trial.suggest_float("x", -5, 5) ** 2


def test_a_count_is_reached_and_goes_on_after_a_stop(tmp_path: Path) -> None:
    url = in_folder(tmp_path)
    run(study_in(url), x, 3)
    run(study_in(url), x, 3)
    assert states(study_in(url)) == ["COMPLETE"] * 3, "a sweep that is done stays as it is"
    run(study_in(url), x, 5)
    assert states(study_in(url)) == ["COMPLETE"] * 5


def test_a_trial_that_fails_is_recorded_and_the_sweep_goes_on(tmp_path: Path) -> None:
    def objective(trial: optuna.Trial) -> float:
        if trial.number == 1:
            raise DivergedError("the term was nan:\nlower the rate")
        if trial.number == 2:
            raise ZeroDivisionError("oops")
        return float("nan") if trial.number == 3 else x(trial)

    study = study_in(in_folder(tmp_path))
    run(study, objective, 5)
    assert states(study) == ["COMPLETE", "FAIL", "FAIL", "FAIL", "COMPLETE"], "failed trials count"
    assert study.trials[1].user_attrs["message"] == "the term was nan: lower the rate"
    assert study.trials[2].user_attrs["message"] == "ZeroDivisionError: oops"


def test_an_interrupt_is_recorded_and_the_trial_is_tried_again(tmp_path: Path) -> None:
    url = in_folder(tmp_path)

    def objective(trial: optuna.Trial) -> float:
        value = x(trial)
        if trial.number == 1:
            raise KeyboardInterrupt
        return value

    study = study_in(url)
    with pytest.raises(KeyboardInterrupt):
        run(study, objective, 3)
    assert states(study) == ["COMPLETE", "FAIL", "WAITING"]
    assert study.trials[1].user_attrs["message"] == "interrupted"
    run(study_in(url), objective, 3)
    assert states(study) == ["COMPLETE", "FAIL", "COMPLETE", "COMPLETE"]
    assert study.trials[2].params == study.trials[1].params, "with the same settings"


def test_a_trial_that_died_before_its_first_sign_of_life_is_given_up(tmp_path: Path) -> None:
    study = study_in(in_folder(tmp_path))
    study.ask()
    assert pending(study, 1, grace=60) == 0, "it may just have begun"
    time.sleep(0.05)
    assert pending(study, 1, grace=0.01) == 1
    assert states(study) == ["FAIL", "WAITING"]
    run(study, x, 1)
    assert states(study) == ["FAIL", "COMPLETE"]


def test_who_dies_twice_stays_failed(tmp_path: Path) -> None:
    study = study_in(in_folder(tmp_path))
    for _ in range(2):
        trial = study.ask()
        x(trial)
        study.tell(trial, state=TrialState.FAIL)
        again(study, study.trials[trial.number], killed=True)
    assert states(study) == ["FAIL", "FAIL"]
    assert [t.number for t in places(study.trials)] == [1], "and holds one place"


def test_while_others_run_the_last_trial_there_is_nothing_to_take(tmp_path: Path) -> None:
    study = study_in(in_folder(tmp_path))
    trial = study.ask()
    assert pending(study, 1, GRACE) == 0
    study.tell(trial, x(trial))
    assert pending(study, 1, GRACE) is None


def test_a_trial_that_came_too_late_holds_no_place(tmp_path: Path) -> None:
    study = study_in(in_folder(tmp_path))
    asked = [study.ask() for _ in range(2)]  # of two other workers
    _one(study, x, 2)  # it had looked before they were made
    for trial in asked:
        study.tell(trial, x(trial))
    assert study.trials[2].user_attrs["too late"]
    assert [t.number for t in places(study.trials)] == [0, 1]
    assert pending(study, 2, GRACE) is None


def until(seen: Callable[[], bool], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def test_two_workers_on_postgresql_one_is_killed(server: Any, worker: Callable[..., BaseProcess]) -> None:
    url, trials = server.database(), 8
    study = study_in(url)
    first, second = (worker(url, trials, 1.5) for _ in range(2))  # long enough to catch both at work

    def running_by(process: BaseProcess) -> list[int]:
        mine = [t for t in study.trials if t.user_attrs.get("worker", "").endswith(f" {process.pid}")]
        return [t.number for t in mine if t.state is TrialState.RUNNING and "x" in t.params]

    finished = lambda: {t.number: t.value for t in study.trials if t.state is TrialState.COMPLETE}  # noqa: E731
    until(lambda: len(finished()) >= 2 and bool(running_by(first)) and bool(running_by(second)))
    assert first.pid is not None
    (victim,) = running_by(first)
    os.kill(first.pid, signal.SIGKILL)
    before = finished()
    second.join(120)
    assert second.exitcode == 0

    after = study.trials
    assert before.items() <= finished().items(), "no finished trial is lost or changed"
    assert len(finished()) == trials, "the count is reached"
    assert [t.number for t in places(after)] == sorted(finished())
    assert after[victim].state is TrialState.FAIL
    (retried,) = [t for t in after if t.user_attrs.get("again") == victim]
    assert retried.state is TrialState.COMPLETE
    assert retried.params == after[victim].params


def test_workers_that_race_make_no_trial_too_many(server: Any) -> None:
    url = server.database()
    study = study_in(url)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: run(study_in(url), x, 9), range(3)))
    assert len(places(study.trials)) == 9
    assert {t.state for t in places(study.trials)} == {TrialState.COMPLETE}


def test_one_who_was_taken_for_dead_and_lives_does_no_harm(tmp_path: Path) -> None:
    study = study_in(in_folder(tmp_path))

    def objective(trial: optuna.Trial) -> float:
        value = x(trial)
        if trial.number == 0:  # what another worker does that saw no sign of life
            study.tell(trial.number, state=TrialState.FAIL)
            again(study, study.trials[0], killed=True)
        return value

    run(study, objective, 2)
    assert states(study) == ["FAIL", "COMPLETE", "COMPLETE"]
    assert study.trials[1].params == study.trials[0].params


def test_errors_are_told_in_one_line() -> None:
    assert told(InputError("a\nb")) == "a b"
    assert told(KeyError("k")) == "KeyError: 'k'"
    assert len(told(ValueError("x" * 10000))) < 600


def test_optuna_speaks_again_afterwards(tmp_path: Path) -> None:
    before = optuna.logging.get_verbosity()
    run(study_in(in_folder(tmp_path)), x, 1)
    assert optuna.logging.get_verbosity() == before
