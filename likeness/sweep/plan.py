"""What a sweep is, and the study that it is carried on in: found again by its name, and only for the same question."""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from likeness.data.dataset import Dataset
from likeness.errors import InputError, unknown
from likeness.judge.score import METRICS
from likeness.recipes.common import Common, recipe
from likeness.recipes.facts import facts_of
from likeness.sweep.space import Space, inside, plain
from likeness.sweep.work import quiet

if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import RDBStorage

# What may differ between machines, or is none of a trial's.
HERE = {"data", "out", "device", "threads", "report", "track", "keep", "save_every", "processes", "max_restarts"}
BEGUN = "likeness"  # the study's attribute that holds what it was begun with


@dataclass(frozen=True)
class Plan:
    """A sweep: what is trained, what is searched, and by which score.

    Attributes:
        settings: those of the recipe that all trials share.
        metric: a row of the judge's table, on the validation split.
        trials: how many, over all workers.
        seeds: trainings of each trial, whose scores are averaged: `settings.seed` and those that follow it.
        prune: stop trials whose judged checkpoints fall behind the median of the others,
        by_any: also where checkpoints are judged by something else than the metric.
        heartbeat: seconds between the signs of life of a worker.
    """

    recipe: str
    settings: Common
    space: Space
    name: str
    folder: Path
    metric: str = "frechet"
    trials: int = 40
    seeds: int = 1
    prune: bool = True
    by_any: bool = False
    heartbeat: int = 10

    def __post_init__(self) -> None:
        if self.metric not in METRICS:
            raise unknown("metric", self.metric, METRICS)
        for name in ("trials", "seeds", "heartbeat"):
            if getattr(self, name) < 1:
                raise InputError(f"--{name} {getattr(self, name)}: give a number above zero")

    @property
    def maximise(self) -> bool:
        return METRICS[self.metric] == "higher"

    def objective(self, score: float) -> float:
        """What the study minimises or maximises; a metric that is best at one by its distance from one."""
        return abs(score - 1) if METRICS[self.metric] == "one" else score

    def question(self, data: Dataset) -> dict[str, Any]:
        """What has to be the same for trials to be compared."""
        shared = {k: v for k, v in asdict(self.settings).items() if k not in HERE | set(self.space)}
        asked = {
            "recipe": self.recipe,
            "data": data.fingerprint,
            "--search": " ".join(f"{name}={words}" for name, words in sorted(plain(self.space).items())),
            "--metric": self.metric,
            "--seeds": self.seeds,
            **{f"--{name.replace('_', '-')}": value for name, value in shared.items()},
        }
        return json.loads(json.dumps(asked))


@quiet()
def study_of(plan: Plan, data: Dataset, storage: "RDBStorage") -> "Study":
    """The study of that name in the storage, made if there is none; its first trial is the recipe's own settings.

    Raises:
        InputError: it was begun with another question, or the settings do not suit the data.
    """
    import optuna

    taken = sorted(plan.folder.glob("trial-*"))  # seen before the study: another worker makes a trial, then its folder
    made = recipe(plan.recipe)
    own = made.fitting(plan.settings, facts_of(data))
    direction: Any = "maximize" if plan.maximise else "minimize"
    try:
        study = optuna.create_study(storage=storage, study_name=plan.name, direction=direction)
    except optuna.exceptions.DuplicatedStudyError:
        study = optuna.load_study(study_name=plan.name, storage=storage)
        _same(plan, _begun(study, plan, data), plan.question(data))
    else:
        default = {name: getattr(own, name) for name in plan.space}
        if inside(plan.space, default):
            study.enqueue_trial(default, user_attrs={"default": True})
        study.set_user_attr(BEGUN, plan.question(data))
    if taken and all(t.state is optuna.trial.TrialState.WAITING for t in study.get_trials(deepcopy=False)):
        raise InputError(f"{plan.folder} holds {taken[0].name} of another sweep: choose another --out or --name")
    study.sampler, study.pruner = _sampler(plan), _pruner(plan, own.steps or 1)
    return study


def _begun(study: "Study", plan: Plan, data: Dataset) -> dict[str, Any]:
    """What the study was begun with; whoever makes it writes that a moment later."""
    for _ in range(50):
        if BEGUN in study.user_attrs:
            return study.user_attrs[BEGUN]
        time.sleep(0.1)
    if study.get_trials(deepcopy=False):
        raise InputError(f"the storage has a study {plan.name!r} that is no sweep of ours: choose another --name")
    study.set_user_attr(BEGUN, plan.question(data))  # its maker died before the first trial
    return study.user_attrs[BEGUN]


def _same(plan: Plan, begun: dict[str, Any], asked: dict[str, Any]) -> None:
    """A setting that one side does not know is of a newer version, and was as it is if not given."""
    for key in begun.keys() & asked.keys():
        if begun[key] != asked[key]:
            a, b = ("unset" if v is None else v for v in (begun[key], asked[key]))
            thing = "other data" if key == "data" else f"{key} {a}, not {b}"
            remedy = "go on with the same, or choose another --name"
            raise InputError(f"the sweep {plan.name!r} was begun with {thing}: {remedy}")


def _sampler(plan: Plan) -> Any:
    from likeness.sweep.sampler import PerTrial

    return PerTrial(plan.settings.seed)


def _pruner(plan: Plan, steps: int) -> Any:
    """The median of the others at the same step, from the second fifth of a training on."""
    from optuna.pruners import MedianPruner, NopPruner

    return MedianPruner(n_startup_trials=5, n_warmup_steps=steps // 5, n_min_trials=3) if plan.prune else NopPruner()
