"""What a worker of a sweep does in a process of its own, which has to find it under a name: for `tests/sweep`."""

import time

import optuna

from likeness.sweep.storage import opened
from likeness.sweep.work import work

STEADY = 2  # seconds of a heartbeat where a loaded machine must not make a living worker seem dead


def slow(trial: optuna.Trial, seconds: float) -> float:
    """An objective whose best is known: x = 1."""
    x = trial.suggest_float("x", -5, 5)
    time.sleep(seconds)
    return (x - 1) ** 2


def labour(url: str, name: str, trials: int, seconds: float) -> None:
    storage = opened(url, heartbeat=STEADY)
    study = optuna.create_study(storage=storage, study_name=name, load_if_exists=True)
    for _ in work(study, lambda t: slow(t, seconds), trials, grace=3 * STEADY):
        pass
