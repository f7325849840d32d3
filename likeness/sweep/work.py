"""A worker: takes trials of a study until all are done, beside any number of others on this machine and elsewhere.

Workers share nothing but the storage. A trial holds one of the places of a sweep unless it gave it up: it was
interrupted, or its worker died and it is tried once more, or it came too late, when others had taken the last place.
"""

import os
import platform
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from likeness.errors import DivergedError, InputError

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.trial import FrozenTrial

POLL = 0.5  # seconds between looks at the trials of others
Objective = Callable[["Trial"], float]
Trials = Sequence["FrozenTrial"]


class _TooLateError(Exception):
    """Others took the last place while this trial was made."""


@contextmanager
def quiet() -> Iterator[None]:
    """Optuna tells of each trial on its own; here the caller does."""
    import optuna

    level: Any = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(level)


def work(study: "Study", objective: Objective, trials: int, *, grace: float) -> Generator[int, None, None]:
    """Carry out trials until `trials` are done, by whomever; yields after each own one and each look at the others.

    Args:
        objective: what a trial is worth. Whatever it raises is recorded with the trial as failed, and the work goes on.
        grace: seconds after which a trial that nobody began is given up.

    Raises:
        KeyboardInterrupt: the trial under way is recorded as interrupted and waits to be tried again.
    """
    while (left := pending(study, trials, grace)) is not None:
        if left:
            _one(study, objective, trials)
        else:
            time.sleep(POLL)
        yield left


@quiet()
def pending(study: "Study", trials: int, grace: float) -> int | None:
    """How many places are free; None when all trials are done. The trials of the dead are given up first."""
    from optuna.storages import fail_stale_trials
    from optuna.trial import TrialState

    _fail_unborn(study, grace)
    fail_stale_trials(study)
    held = [t for t in places(study.get_trials(deepcopy=False)) if t.state is not TrialState.WAITING]
    if len(held) < trials:
        return trials - len(held)
    return 0 if any(t.state is TrialState.RUNNING for t in held) else None


def places(found: Trials) -> list["FrozenTrial"]:
    """The trials that hold a place: all but those that another one stands for, and those that came too late."""
    given_up = {t.user_attrs["again"] for t in found if "again" in t.user_attrs}
    return [t for t in found if t.number not in given_up and not t.user_attrs.get("too late")]


def again(study: "Study", trial: "FrozenTrial", *, killed: bool = True) -> None:
    """Let a trial wait to be carried out once more; one whose worker died twice stays as it is, failed."""
    from optuna.trial import TrialState, create_trial

    deaths = trial.user_attrs.get("deaths", 0) + killed
    if deaths > 1:
        return
    kept = {k: v for k, v in trial.user_attrs.items() if k == "default"}
    study.add_trial(
        create_trial(
            state=TrialState.WAITING,
            params=trial.params,
            distributions=trial.distributions,
            user_attrs=kept | {"again": trial.number, "deaths": deaths},
            system_attrs={k: v for k, v in trial.system_attrs.items() if k == "fixed_params"},
        )
    )


def _fail_unborn(study: "Study", grace: float) -> None:
    """A worker that dies before its first sign of life leaves a trial that no heartbeat tells of."""
    from optuna.exceptions import UpdateFinishedTrialError
    from optuna.trial import TrialState

    late = datetime.now() - timedelta(seconds=grace)
    for t in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if "worker" not in t.user_attrs and t.datetime_start is not None and t.datetime_start < late:
            try:
                study.tell(t.number, state=TrialState.FAIL)
            except (ValueError, UpdateFinishedTrialError):  # another worker was quicker, or it lives after all
                continue
            again(study, study.trials[t.number], killed=True)


@quiet()
def _one(study: "Study", objective: Objective, trials: int) -> None:
    number = -1

    def body(trial: "Trial") -> float:
        nonlocal number
        number = trial.number
        trial.set_user_attr("worker", f"{platform.node()} {os.getpid()}")
        before = [t for t in places(study.get_trials(deepcopy=False)) if t.number < number]
        if sum(not _waits(t) for t in before) >= trials:
            trial.set_user_attr("too late", True)
            raise _TooLateError
        return _noted(trial, objective)

    try:
        study.optimize(body, n_trials=1, catch=(Exception,))
    except KeyboardInterrupt:
        if number >= 0 and (found := study.trials[number]).state.name == "FAIL":
            again(study, found, killed=False)
        raise
    except (ValueError, AssertionError):  # Optuna's words for: taken for dead while it lived, it was given up meanwhile
        if number < 0 or not study.trials[number].state.is_finished():
            raise


def _waits(trial: "FrozenTrial") -> bool:
    return trial.state.name == "WAITING"


def _noted(trial: "Trial", objective: Objective) -> float:
    """The objective; what it raises is written to the trial first."""
    from optuna import TrialPruned

    try:
        return objective(trial)
    except TrialPruned:
        raise
    except KeyboardInterrupt:
        trial.set_user_attr("message", "interrupted")
        raise
    except Exception as error:
        trial.set_user_attr("message", told(error))
        raise


def told(error: BaseException) -> str:
    """What is kept of an error: one line."""
    words = " ".join(str(error).split())[:500]
    return words if isinstance(error, InputError | DivergedError) else f"{type(error).__name__}: {words}"
