"""A study is found again by its name, and only for the question it was begun with."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest

from likeness.data import Dataset, load
from likeness.errors import InputError
from likeness.recipes.pipeline import read
from likeness.sweep.plan import study_of
from likeness.sweep.storage import in_folder, opened


@pytest.fixture
def data(plan: Any) -> Dataset:
    return read(plan().settings)


@pytest.fixture
def storage(tmp_path: Path) -> Any:
    return opened(in_folder(tmp_path))


@pytest.fixture
def begun(plan: Any, data: Dataset, storage: Any) -> Any:
    study_of(plan(), data, storage)
    return storage


def test_the_first_trial_is_the_recipes_own_settings(plan: Any, data: Dataset, begun: Any) -> None:
    study = study_of(plan(), data, begun)
    (first,) = study.trials
    assert first.state.name == "WAITING"
    assert first.system_attrs["fixed_params"] == {"lr_g": 1e-3, "lr_d": 1e-3}
    assert first.user_attrs == {"default": True}


def test_own_settings_outside_of_the_space_are_not_tried(plan: Any, data: Dataset, storage: Any) -> None:
    study = study_of(plan(search=("lr_g=1e-5:1e-4",)), data, storage)
    assert study.trials == []


@pytest.mark.parametrize(
    ("change", "clue"),
    [
        ({"settings": {"steps": 21}}, "--steps 20, not 21"),
        ({"search": ("lr_g",)}, "--search lr_d=0.0001:0.01:log lr_g=0.0001:0.01:log, not lr_g=0.0001:0.01:log"),
        ({"metric": "coverage"}, "--metric frechet, not coverage"),
        ({"seeds": 2}, "--seeds 1, not 2"),
        ({"settings": {"loss": "hinge"}}, "--loss non-saturating, not hinge"),
    ],
)
def test_another_question_is_refused(plan: Any, data: Dataset, begun: Any, change: Any, clue: str) -> None:
    with pytest.raises(InputError, match="'tiny' was begun with") as error:
        study_of(plan(**change), data, begun)
    assert clue in str(error.value)
    assert "choose another --name" in str(error.value)


def test_other_data_are_refused_and_the_same_elsewhere_are_not(plan: Any, data: Dataset, begun: Any) -> None:
    with pytest.raises(InputError, match="begun with other data"):
        study_of(plan(), load("ring8", limit=400), begun)
    moved = plan()
    study_of(replace(moved, settings=replace(moved.settings, data="elsewhere", device="cpu", threads=3)), data, begun)


def test_more_trials_may_be_asked_for(plan: Any, data: Dataset, begun: Any) -> None:
    assert len(study_of(plan(trials=9, prune=False), data, begun).trials) == 1


def test_a_foreign_study_is_left_alone(plan: Any, data: Dataset, storage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    optuna.create_study(storage=storage, study_name="tiny").optimize(lambda t: 0.0, n_trials=1)
    with pytest.raises(InputError, match="no sweep of ours"):
        study_of(plan(), data, storage)


def test_trials_of_another_sweep_are_not_written_over(plan: Any, data: Dataset, storage: Any) -> None:
    made = plan()
    (made.folder / "trial-0000").mkdir(parents=True)
    with pytest.raises(InputError, match="holds trial-0000 of another sweep"):
        study_of(made, data, storage)


def test_settings_that_do_not_suit_the_data_are_refused_before_any_trial(
    plan: Any, data: Dataset, storage: Any
) -> None:
    with pytest.raises(InputError, match="--conditional needs labels"):
        study_of(plan(settings={"conditional": True}), data, storage)
    assert optuna.get_all_study_names(storage) == []


@pytest.mark.parametrize(("metric", "loss"), [("frechet", 0.3), ("coverage", 0.3), ("density", 0.7)])
def test_metrics_that_are_best_at_one_are_compared_by_their_distance(plan: Any, metric: str, loss: float) -> None:
    made = plan(metric=metric)
    assert made.objective(0.3) == pytest.approx(loss)
    assert made.maximise == (metric == "coverage")


def test_nonsense_is_refused(plan: Any) -> None:
    with pytest.raises(InputError, match="did you mean frechet"):
        plan(metric="freshet")
    for name in ("trials", "seeds"):
        with pytest.raises(InputError, match=f"--{name} 0"):
            plan(**{name: 0})
