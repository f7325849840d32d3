"""Training as it is done on a user's data: the loop body that every recipe shares.

`fit` is a generator of ticks: a command line draws its progress bar in the loop, a test stops it half-way. It
averages weights, keeps the metrics on the device until they are written, judges the draws now and then and keeps the
best weights by that score, and saves the state of the training, from which it goes on as if it had never stopped.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import torch
from torch import Tensor

from likeness.core import Step, Terms, train
from likeness.errors import DivergedError
from likeness.findings import Finding
from likeness.gradients import full
from likeness.ranks import world
from likeness.run import checkpoint, snapshot, state
from likeness.run.folder import Run
from likeness.run.learner import Learner
from likeness.run.snapshot import Stateful
from likeness.run.stop import Wish, heard
from likeness.run.track import Tracker


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


Judge = Callable[[int, dict[str, float]], Score | None]  # the iteration, and the mean terms since the last tick


class Tick(NamedTuple):
    """Where training stands: the steps done, the mean terms since the last tick, the score if one was taken."""

    iteration: int
    terms: dict[str, float]
    score: Score | None


class Cadence(NamedTuple):
    """How often, in steps, metrics are written and the draws judged; how often besides, the state is saved.

    The state is saved at every judged step too; the last `keep` states are kept.
    """

    record: int
    judge: int
    save: int | None = None
    keep: int = 2


def fit(
    run: Run,
    learner: Learner,
    batches: Iterable[Any],
    cadence: Cadence,
    judge: Judge | None = None,
    *,
    others: Mapping[str, Stateful] = {},
    resumed: state.Saved | None = None,
    new_rates: bool = False,
    accumulate: int = 1,
    track: Sequence[str] = ("tensorboard",),
) -> Iterator[Tick]:
    """Train to the end of `batches`, yielding a tick whenever metrics are written.

    Args:
        batches: those still to come.
        judge: scores the draws; saved with the state where it has a `state_dict`, as `batches` is.
        others: what else has a state to save, by name.
        resumed: the state to go on from; it is put back before the first batch is asked for.
        new_rates: go on with the learning rates that the optimisers have now, not with those they had.
        accumulate: pieces that a batch is cut into.
        track: where records go besides `metrics.jsonl`.

    Raises:
        DivergedError: a term is not finite; what was saved before stands.
        KeyboardInterrupt: SIGTERM or Ctrl-C; the state is saved.
    """
    keeper = _Keeper(run, learner, cadence.keep)
    means = _Means()
    given = {"means": means, "keeper": keeper, "batches": batches, "judge": judge, **others}
    keeper.parts = {name: part for name, part in given.items() if hasattr(part, "state_dict")}
    if resumed is not None:
        snapshot.load(resumed, learner, keeper.parts, new_rates=new_rates)
    log = _Log(run, track, keeper, resumed)
    failed = False
    try:
        with heard() as wish:
            keeper.save()
            steps = () if keeper.stopped else train(learner.method, batches, learner.optimisers, accumulate=accumulate)
            yield from _body(steps, _Training(cadence, judge, keeper, means, log), wish)
        means.take(learner.method.iteration)
    except GeneratorExit:  # whoever took the ticks has seen enough
        with suppress(DivergedError):
            keeper.finish()
        raise
    except DivergedError:
        failed = True
        raise
    except BaseException as error:  # half-way through a step: the weights are worth keeping, the state is not
        failed = not isinstance(error, KeyboardInterrupt)
        if learner.method.iteration:
            keeper.weights("last")
        raise
    finally:
        log.close(failed)
    keeper.finish()


class _Training(NamedTuple):
    cadence: Cadence
    judge: Judge | None
    keeper: "_Keeper"
    means: "_Means"
    log: "_Log"


def _body(steps: Iterable[Step], t: _Training, wish: Wish) -> Iterator[Tick]:
    for step in steps:
        i, tick = step.iteration, None
        t.keeper.learner.after()
        t.means.add(step.terms)
        judging = t.judge is not None and i % t.cadence.judge == 0
        recording = judging or i % t.cadence.record == 0
        saving = judging or (t.cadence.save is not None and i % t.cadence.save == 0)
        if recording:
            terms = t.means.take(i)
            t.log.record("terms", i, **terms)
            tick = Tick(i, terms, _judged(t, i, terms) if judging else None)
        stopping = bool(wish) if world().size == 1 else (recording or saving) and any(world().objects(bool(wish)))
        if saving or stopping:
            t.keeper.save()
        if tick is not None:
            yield tick
        if stopping:
            raise KeyboardInterrupt
        if t.keeper.stopped:
            return


def _judged(t: _Training, iteration: int, terms: dict[str, float]) -> Score | None:
    """The score of the first process, which all of them take; None where there is nothing to judge yet."""
    assert t.judge is not None
    score = world().objects(t.judge(iteration, terms))[0]
    t.keeper.learner.method.train()
    if score is None:
        return None
    ends = {} if score.low is None else {"low": score.low, "high": score.high}
    t.log.record("score", iteration, metric=score.metric, value=score.value, **ends)
    for finding in score.findings:
        t.log.record("finding", iteration, **finding._asdict())
    t.keeper.judged(score)
    return score


class _Means:
    """Running means of terms on their device; a term need not come up in every step."""

    def __init__(self) -> None:
        self._sums: dict[str, tuple[Tensor, int]] = {}

    def add(self, terms: Terms) -> None:
        for name, term in terms.items():
            total, n = self._sums.get(name, (torch.zeros_like(term), 0))
            self._sums[name] = (total + term, n + 1)

    def take(self, iteration: int) -> dict[str, float]:
        """The means since the last time; of a batch in parts, those of the whole."""
        if not self._sums:
            return {}
        sums = world().sum(torch.stack([total.double() for total, _ in self._sums.values()])).tolist()
        means = {name: total / n for (name, (_, n)), total in zip(self._sums.items(), sums, strict=True)}
        self._sums.clear()
        lost = [name for name, value in means.items() if not math.isfinite(value)]
        if lost:
            raise DivergedError(
                f"the term {lost[0]!r} was {means[lost[0]]} by step {iteration}: lower the learning rate "
                "(--lr-g, --lr-d) or strengthen the penalty; what was saved before still stands"
            )
        return means

    def state_dict(self) -> dict[str, Any]:
        return dict(self._sums)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._sums = dict(state)


class _Keeper:
    """Saves the state, the last weights, and apart from them the best ones by the judged score."""

    def __init__(self, run: Run, learner: Learner, keep: int) -> None:
        self.run, self.learner, self.keep = run, learner, keep
        self.parts: dict[str, Any] = {}
        self.best, self.stopped, self.saved, self.seconds = math.inf, False, -1, lambda: 0.0

    def judged(self, score: Score) -> None:
        self.weights("last")
        self.stopped = score.stop
        if score.value < self.best:
            self.best = score.value
            self.weights("best", metric=score.metric, value=score.value)

    def save(self) -> None:
        """The state, where it is not on disk already."""
        if self.learner.method.iteration != self.saved:
            snapshot.save(self.run.folder, self.learner, self.parts, self.keep)
            self.saved = self.learner.method.iteration

    def finish(self) -> None:
        if self.learner.method.iteration:
            self.weights("last")
            self.save()

    def weights(self, which: str, **about: Any) -> None:
        """The tensors of the model alone, for whoever draws from it; the first process writes them."""
        less, state = self.learner.to_train, self.learner.state.state_dict()
        tensors = {k: v for k, v in state.items() if isinstance(v, Tensor) and k not in less}
        whole = {k: full(v) for k, v in tensors.items()}
        facts = {"iteration": self.learner.method.iteration, "seconds": round(self.seconds(), 3)}
        if world().rank == 0:
            checkpoint.save(self.run.checkpoint(which), whole, {"recipe": self.run.recipe, **facts, **about})

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best, "stopped": self.stopped, "seconds": self.seconds()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.best, self.stopped, seconds = state["best"], state["stopped"], state["seconds"]
        self.seconds, self.saved = (lambda: seconds), self.learner.method.iteration


class _Log:
    """The records of the run, which the first process writes."""

    def __init__(self, run: Run, track: Sequence[str], keeper: _Keeper, resumed: state.Saved | None) -> None:
        self._tracker: Tracker | None = None
        if world().rank == 0:
            at = None if resumed is None else resumed.iteration
            settings, elapsed = run.settings, keeper.seconds()
            self._tracker = Tracker(run.folder, to=track, settings=settings, resumed_at=at, elapsed=elapsed)
            keeper.seconds = lambda: self._tracker.seconds if self._tracker is not None else elapsed

    def record(self, kind: str, iteration: int, **values: Any) -> None:
        if self._tracker is not None:
            self._tracker.record(kind, iteration, **values)

    def close(self, failed: bool) -> None:
        if self._tracker is not None:
            self._tracker.close(failed=failed)
