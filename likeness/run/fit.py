"""Training as it is done on a user's data: the loop body that every recipe shares.

`fit` is a generator of ticks: a command line draws its progress bar in the loop, a test stops it half-way. It
averages weights, keeps the metrics on the device until they are written, judges the draws now and then and
keeps the best checkpoint by that score, and saves the last state however the loop ends.
"""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from likeness.core import Method, Optimisers, Terms, train
from likeness.errors import DivergedError
from likeness.findings import Finding
from likeness.run import checkpoint
from likeness.run.folder import Run
from likeness.run.track import Tracker


class Learner(NamedTuple):
    """What a recipe builds: the method, who moves it, and what of it is saved.

    `after` runs after each step (averages of weights); `state` holds every module whose tensors are saved.
    """

    method: Method
    optimisers: Optimisers
    after: Callable[[], object]
    state: nn.Module


class Score(NamedTuple):
    """A judged score of the draws so far (the lowest is the best), and what its monitors say.

    `stop` ends training: the draws have not become better for long enough.
    """

    metric: str
    value: float
    low: float | None = None
    high: float | None = None
    findings: tuple[Finding, ...] = ()
    stop: bool = False


class Tick(NamedTuple):
    """Where training stands: the steps done, the mean terms since the last tick, the score if one was taken."""

    iteration: int
    terms: dict[str, float]
    score: Score | None


class Cadence(NamedTuple):
    """How often, in steps, metrics are written and the draws are judged."""

    record: int
    judge: int


def fit(
    run: Run,
    learner: Learner,
    batches: Iterable[Any],
    cadence: Cadence,
    score: Callable[[int, dict[str, float]], Score] | None = None,
) -> Iterator[Tick]:
    """Train to the end of `batches`, yielding a tick whenever metrics are written.

    `score` is called with the iteration and the mean terms since the last tick.

    Raises:
        DivergedError: a term is not finite; the checkpoints saved before stand.
    """
    tracker, keeper, means = Tracker(run.folder), _Keeper(run, learner), _Means()
    try:
        for step in train(learner.method, batches, learner.optimisers):
            learner.after()
            means.add(step.terms)
            due = score is not None and step.iteration % cadence.judge == 0
            if not due and step.iteration % cadence.record:
                continue
            terms = means.take(step.iteration)
            tracker.record("terms", step.iteration, **terms)
            judged = score(step.iteration, terms) if due and score is not None else None
            if judged is not None:
                learner.method.train()
                _record(tracker, step.iteration, judged)
                keeper.judged(judged)
            yield Tick(step.iteration, terms, judged)
            if judged is not None and judged.stop:
                break
        means.take(learner.method.iteration)
    except DivergedError:
        keeper.healthy = False
        raise
    finally:
        tracker.close()
        keeper.close()


class _Means:
    """Running means of terms on their device; a term need not come up in every step."""

    def __init__(self) -> None:
        self._sums: dict[str, tuple[Tensor, int]] = {}

    def add(self, terms: Terms) -> None:
        for name, term in terms.items():
            total, n = self._sums.get(name, (torch.zeros_like(term), 0))
            self._sums[name] = (total + term, n + 1)

    def take(self, iteration: int) -> dict[str, float]:
        means = {name: float(total) / n for name, (total, n) in self._sums.items()}
        self._sums.clear()
        lost = [name for name, value in means.items() if not math.isfinite(value)]
        if lost:
            raise DivergedError(
                f"the term {lost[0]!r} was {means[lost[0]]} by step {iteration}: lower the learning rate "
                "(--lr-g, --lr-d) or strengthen the penalty; what was saved before still stands"
            )
        return means


class _Keeper:
    """Saves the last state, and apart from it the best one by the judged score."""

    def __init__(self, run: Run, learner: Learner) -> None:
        self.run, self.learner, self.began = run, learner, time.monotonic()
        self.best = math.inf
        self.healthy = True

    def judged(self, score: Score) -> None:
        self._save("last", {})
        if score.value < self.best:
            self.best = score.value
            self._save("best", {"metric": score.metric, "value": score.value})

    def close(self) -> None:
        if self.healthy and self.learner.method.iteration:
            self._save("last", {})

    def _save(self, which: str, about: dict[str, Any]) -> None:
        state = {k: v for k, v in self.learner.state.state_dict().items() if isinstance(v, Tensor)}
        facts = {"iteration": self.learner.method.iteration, "seconds": round(time.monotonic() - self.began, 3)}
        checkpoint.save(self.run.checkpoint(which), state, {"recipe": self.run.recipe, **facts, **about})


def _record(tracker: Tracker, iteration: int, score: Score) -> None:
    ends = {} if score.low is None else {"low": score.low, "high": score.high}
    tracker.record("score", iteration, metric=score.metric, value=score.value, **ends)
    for finding in score.findings:
        tracker.record("finding", iteration, **finding._asdict())
