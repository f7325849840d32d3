"""A trial is an ordinary run, judged on the validation split; hopeless ones are stopped at a checkpoint."""

import json
from dataclasses import replace
from typing import Any

import optuna
import pytest

from likeness.data import Dataset
from likeness.errors import InputError
from likeness.judge.features import raw
from likeness.recipes.pipeline import read, reopen
from likeness.sweep.plan import study_of
from likeness.sweep.storage import in_folder, opened
from likeness.sweep.trial import attempt, check, folder_of, table
from likeness.sweep.work import work


@pytest.fixture
def data(plan: Any) -> Dataset:
    return read(plan().settings)


def run(plan: Any, data: Dataset) -> optuna.Study:
    plan.folder.parent.mkdir(parents=True, exist_ok=True)
    study = study_of(plan, data, opened(in_folder(plan.folder.parent)))
    for _ in work(study, lambda t: attempt(plan, data, raw(), t, lambda words: None), plan.trials, grace=60):
        pass
    return study


def test_a_trial_is_a_run_with_the_settings_it_was_given(plan: Any, data: Dataset) -> None:
    made = plan(trials=2)
    study = run(made, data)
    for t in study.trials:
        folder = made.folder / folder_of(t.number)
        settings = json.loads((folder / "config.json").read_text())["settings"]
        assert {k: settings[k] for k in ("lr_g", "lr_d")} == t.params
        assert (folder / "checkpoints" / "best.safetensors").is_file()
        assert sorted(t.intermediate_values) == list(range(2, 21, 2)), "every judged checkpoint"
        assert not (folder / "report.html").exists()


def test_the_score_is_that_of_the_best_checkpoint_on_validation_data(plan: Any, data: Dataset) -> None:
    made = plan(trials=1)
    (t,) = run(made, data).trials
    again = reopen(made.folder / folder_of(0))
    rows = table(again.model.sampler, data, raw(), made.settings, "frechet")
    assert t.value == rows.of("frechet").value
    blind = replace(data, test=data.train)
    assert table(again.model.sampler, blind, raw(), made.settings, "frechet").of("frechet").value == t.value


def test_several_seeds_give_a_mean_and_what_it_is_the_mean_of(plan: Any, data: Dataset) -> None:
    made = plan(trials=1, seeds=3)
    (t,) = run(made, data).trials
    scores = t.user_attrs["scores"]
    assert len(set(scores)) == 3
    assert t.value == pytest.approx(sum(scores) / 3)
    for seed in range(3):
        config = json.loads((made.folder / folder_of(0) / f"seed-{seed}" / "config.json").read_text())
        assert config["settings"]["seed"] == seed
    assert len(t.intermediate_values) == 30


def test_a_sweep_can_be_repeated(plan: Any, data: Dataset, tmp_path: Any) -> None:
    a, b = (run(plan(trials=2, folder=tmp_path / name / "sweep"), data) for name in "ab")
    assert [t.value for t in a.trials] == [t.value for t in b.trials]


def test_hopeless_trials_are_stopped_at_a_checkpoint(plan: Any, data: Dataset) -> None:
    made = plan(trials=9, settings={"judge_every": 4}, search=("lr_g=1e-6:3e-2", "lr_d"))
    study = run(made, data)
    pruned = [t for t in study.trials if t.state.name == "PRUNED"]
    assert pruned
    assert all(t.number >= 5 for t in pruned), "the first five are what the others are held against"
    for t in pruned:
        assert t.last_step is not None
        assert 4 <= t.last_step <= 20
        before = study.trials[: t.number]
        others = [o.intermediate_values[t.last_step] for o in before if t.last_step in o.intermediate_values]
        assert min(t.intermediate_values.values()) > sorted(others)[(len(others) - 1) // 2] * 0.999
    free = run(replace(made, prune=False, trials=7, folder=made.folder / "b" / "sweep"), data)
    assert {t.state.name for t in free.trials} == {"COMPLETE"}


def test_a_score_to_maximise_does_not_turn_pruning_round(plan: Any, data: Dataset) -> None:
    made = plan(trials=1, metric="coverage", by_any=True)
    study = run(made, data)
    assert study.direction.name == "MAXIMIZE"
    assert max(study.trials[0].intermediate_values.values()) < 0, "a large distance is a low value"


def test_checkpoints_judged_by_something_else_stop_no_trial_unless_asked_for(plan: Any, data: Dataset) -> None:
    assert not run(plan(trials=1, metric="coverage"), data).trials[0].intermediate_values


def test_settings_that_cannot_be_trained_are_recorded(plan: Any, data: Dataset) -> None:
    made = plan(trials=3, search=("batch_size=32,100000", "lr_g"), settings={"batch_size": None})
    study = run(made, data)
    failed = [t for t in study.trials if t.state.name == "FAIL"]
    assert all("--batch-size 100000: there are" in t.user_attrs["message"] for t in failed)
    assert len(study.trials) == 3
    assert all(t.params["batch_size"] == 100000 for t in failed)
    assert failed


def test_a_metric_that_cannot_be_had_is_told_before_any_trial(plan: Any, data: Dataset) -> None:
    check(plan(metric="high_quality"), read(plan(settings={"data": "ring8"}).settings), raw())
    check(plan(metric="memorisation"), data, raw())
    with pytest.raises(InputError, match="--metric high_quality cannot be had for these data: choose one of frechet"):
        check(plan(metric="high_quality"), data, raw())


def test_other_errors_are_not_swallowed(plan: Any, data: Dataset) -> None:
    class Trial:
        number = 0
        suggest_float = staticmethod(lambda *a, **k: 1e-3)

        def report(self, value: float, step: int) -> None:
            raise RuntimeError("gone")

    with pytest.raises(RuntimeError, match="gone"):
        attempt(plan(), data, raw(), Trial(), lambda words: None)  # type: ignore[arg-type]
    assert (plan().folder / "trial-0000" / "checkpoints" / "last.safetensors").is_file(), "the run was closed"
