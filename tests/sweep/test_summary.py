"""The summary holds every trial, the best in the right direction, and no password."""

from typing import Any

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.trial import TrialState, create_trial

from likeness.data import Dataset
from likeness.recipes.pipeline import read
from likeness.sweep.summary import DIED, failures, front, summary
from likeness.sweep.work import again

FLOAT = optuna.distributions.FloatDistribution(0, 1)


@pytest.fixture
def data(plan: Any) -> Dataset:
    return read(plan().settings)


def finished(study: optuna.Study, score: float, x: float, seconds: float = 1.0, value: float | None = None) -> None:
    attrs = {"scores": [score - 0.1, score + 0.1], "seconds": [seconds], "worker": "host 1"}
    shown = score if value is None else value
    study.add_trial(create_trial(value=shown, params={"x": x}, distributions={"x": FLOAT}, user_attrs=attrs))


def test_the_best_is_the_best_in_the_metrics_own_direction(plan: Any, data: Dataset) -> None:
    for metric, best in (("frechet", 0), ("coverage", 2), ("density", 1)):
        made = plan(metric=metric)
        study = optuna.create_study(direction="maximize" if made.maximise else "minimize")
        for score in (0.5, 0.9, 2.0):
            finished(study, score, 0.5, value=made.objective(score))
        assert summary(study, made, data, "")["best"] == best
        assert study.best_trial.number == best


def test_a_row_says_what_became_of_a_trial(plan: Any, data: Dataset) -> None:
    study = optuna.create_study()
    finished(study, 0.5, 0.2, seconds=3.0)
    study.add_trial(create_trial(state=TrialState.FAIL, user_attrs={"worker": "host 2"}))
    again(study, study.trials[1])
    study.add_trial(create_trial(state=TrialState.FAIL, user_attrs={"too late": True}))
    made = summary(study, plan(), data, "sqlite:///x")
    done, died, waiting = made["trials"]
    assert done["score"] == pytest.approx(0.5)
    assert done["spread"] == pytest.approx(0.1 * 2**0.5)
    assert (done["seconds"], done["settings"], done["folder"]) == (3.0, {"x": 0.2}, "trial-0000")
    assert (died["state"], died["message"], died["again"]) == ("failed", DIED, 2)
    assert (waiting["state"], waiting["folder"]) == ("waiting", None)
    assert failures(made["trials"]) == [], "it is tried again"


def test_what_matters_is_found(plan: Any, data: Dataset) -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))

    def objective(trial: optuna.Trial) -> float:
        value = abs(trial.suggest_float("x", 0, 1) - 0.3) + 0.001 * trial.suggest_float("y", 0, 1)
        trial.set_user_attr("scores", [value])
        trial.set_user_attr("seconds", [1.0])
        return value

    study.optimize(objective, n_trials=3)
    assert summary(study, plan(), data, "")["importance"] == {}, "of three trials nothing can be said"
    study.optimize(objective, n_trials=60)
    shares = summary(study, plan(), data, "")["importance"]
    assert next(iter(shares)) == "x"
    assert shares["x"] > 0.7
    assert sum(shares.values()) == pytest.approx(1)


def test_equal_scores_say_nothing(plan: Any, data: Dataset) -> None:
    study = optuna.create_study()
    for i in range(6):
        finished(study, 0.5, i / 6)
    assert summary(study, plan(), data, "")["importance"] == {}


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12))
def test_the_front_beats_all_and_is_beaten_by_none(points: list[tuple[int, int]]) -> None:
    numbered = [(float(a), float(b), i) for i, (a, b) in enumerate(points)]
    ahead = {i: (a, b) for a, b, i in numbered if i in front(numbered)}
    for a, b, i in numbered:
        if i in ahead:
            assert not any(c <= a and d <= b and (c, d) != (a, b) for c, d, _ in numbered)
        else:
            assert any(c <= a and d <= b for c, d in ahead.values())


def test_failures_are_counted() -> None:
    rows = [{"state": "failed", "again": None, "message": m} for m in "abb"] + [{"state": "finished", "message": None}]
    assert failures(rows) == [("b", 2), ("a", 1)]
