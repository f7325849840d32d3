"""One trial: an ordinary run of the recipe for each seed, judged on the validation split."""

import math
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from likeness.data.batching import whole
from likeness.data.dataset import Dataset
from likeness.errors import DivergedError, InputError
from likeness.judge.features import FeatureSpace
from likeness.judge.judge import judge
from likeness.judge.score import Scores
from likeness.recipes.common import Common, recipe, suits
from likeness.recipes.facts import facts_of
from likeness.recipes.pipeline import Session, begin, training
from likeness.recipes.spaces import LEARNED
from likeness.run.fit import Tick
from likeness.sampling import Sampler
from likeness.sweep.plan import Plan
from likeness.sweep.space import suggested

if TYPE_CHECKING:
    from optuna import Trial

LARGEST = 5000  # real samples, and draws, that a trial is judged by, at most
Tell = Callable[[str], object]


def folder_of(number: int) -> str:
    """The name of a trial's folder within that of the sweep."""
    return f"trial-{number:04d}"


def attempt(plan: Plan, data: Dataset, space: FeatureSpace, trial: "Trial", tell: Tell) -> float:
    """Train and judge with the settings that the trial suggests; what the study minimises or maximises.

    Raises:
        TrialPruned: its checkpoints fell behind.
        InputError, DivergedError: these settings cannot be trained with.
    """
    chosen: dict[str, Any] = suggested(plan.space, trial)
    settings = replace(plan.settings, **chosen, report=False)
    folder, scores, seconds = plan.folder / folder_of(trial.number), [], []
    for k in range(plan.seeds):
        place = folder if plan.seeds == 1 else folder / f"seed-{settings.seed + k}"
        session = begin(plan.recipe, replace(settings, seed=settings.seed + k, out=place), data)
        began, steps = time.monotonic(), session.settings.steps or 1
        train(session, data, space, partial(_report, plan, trial, k * steps, tell))
        seconds.append(round(time.monotonic() - began, 3))
        tell(f"judging trial {trial.number}")
        scores.append(table(session.model.sampler, data, space, settings, plan.metric).of(plan.metric).value)
        trial.set_user_attr("scores", scores)
        trial.set_user_attr("seconds", seconds)
    mean = math.fsum(scores) / len(scores)
    if not math.isfinite(mean):
        raise DivergedError(f"the {plan.metric} of its draws is {mean}")
    return plan.objective(mean)


def train(session: Session, data: Dataset, space: FeatureSpace, look: Callable[[Tick], object]) -> None:
    """Train a run, with a look at every tick; what the look raises ends it, and the run is closed."""
    ticks: Any = training(session, data, space)
    with closing(ticks):
        for tick in ticks:
            look(tick)
    session.model.learner.method.eval()


def _report(plan: Plan, trial: "Trial", before: int, tell: Tell, tick: Tick) -> None:
    """Give a checkpoint's score, the lower the better, to the study, which may find it not worth going on."""
    from optuna import TrialPruned

    tell(f"trial {trial.number}: step {tick.iteration}")
    if tick.score is not None and (plan.by_any or tick.score.metric == plan.metric):
        trial.report(-tick.score.value if plan.maximise else tick.score.value, before + tick.iteration)
        if trial.should_prune():
            raise TrialPruned


def table(subject: Sampler | torch.Tensor, data: Dataset, space: FeatureSpace, settings: Common, metric: str) -> Scores:
    """The judge's table against the validation split: choosing by the test split would spoil it."""
    return judge(
        subject,
        whole(data.validation, LARGEST).x,
        train=whole(data.train, LEARNED).x if metric == "memorisation" else None,
        features=space,
        truth=data.truth,
        seed=settings.seed,
        baselines=False,
        device=settings.device,
    )


def check(plan: Plan, data: Dataset, space: FeatureSpace) -> None:
    """Raises InputError where nothing is drawn, or the metric cannot be had: training samples are judged to see it."""
    made, facts = recipe(plan.recipe), facts_of(data)
    suits(plan.recipe, data.kind, data.name)
    if not made.build(made.fitting(plan.settings, facts), facts).draws:
        raise InputError(f"a sweep judges draws, and {plan.recipe} has none: compare its runs by likeness probe")
    have = table(whole(data.train, 1000).x, data, space, plan.settings, plan.metric).metrics
    if plan.metric not in have:
        raise InputError(f"--metric {plan.metric} cannot be had for these data: choose one of {', '.join(have)}")
