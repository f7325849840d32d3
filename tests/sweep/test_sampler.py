"""A suggestion depends on the seed and the trial's number, not on who asks or when the worker began."""

import optuna
import pytest

from likeness.sweep.sampler import PerTrial


def made(seed: int, trials: int, *, stops: int = 0) -> list[dict[str, float]]:
    """The settings of a sweep, begun anew from its storage after `stops` trials."""
    storage = optuna.storages.InMemoryStorage()
    study = optuna.create_study(storage=storage, study_name="s", sampler=PerTrial(seed))
    for n in (stops, trials - stops):
        study = optuna.load_study(storage=storage, study_name="s", sampler=PerTrial(seed))
        study.optimize(lambda t: t.suggest_float("a", 0, 1) + t.suggest_float("b", 0, 1), n_trials=n)
    return [t.params for t in study.trials]


def test_a_sweep_can_be_repeated_and_its_seed_matters() -> None:
    assert made(0, 14) == made(0, 14)
    assert made(0, 3) != made(1, 3)


@pytest.mark.parametrize("stops", [3, 12])
def test_a_sweep_that_was_stopped_tries_what_it_would_have_tried(stops: int) -> None:
    assert made(0, 14, stops=stops) == made(0, 14)


def test_no_two_settings_or_trials_share_a_draw() -> None:
    values = [v for params in made(0, 8) for v in params.values()]
    assert len(set(values)) == len(values)


def test_it_finds_a_minimum() -> None:
    study = optuna.create_study(sampler=PerTrial(0))
    study.optimize(lambda t: (t.suggest_float("x", -10, 10) - 3) ** 2, n_trials=40)
    assert abs(study.best_params["x"] - 3) < 0.7, "of 40 uniform draws the best is as near in half of all cases"
    late = [abs(t.params["x"] - 3) for t in study.trials[20:]]
    assert sum(late) / len(late) < 3, "uniform draws are 5.45 away in the mean"
