"""The shared loop: metrics are means, the best by score is kept, the last state is saved however it ends."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.optim import SGD

from likeness.core import Method, Update
from likeness.errors import DivergedError
from likeness.run import checkpoint
from likeness.run.fit import Cadence, Learner, Score, Tick, fit
from likeness.run.folder import Run, create
from likeness.run.track import records


class Pull(Method):
    """Pulls its one weight to what the batch says."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.zeros(()))

    def updates(self, batch: float) -> Iterator[Update]:
        yield self, lambda: {"error": (self.w - batch).square()}


def start(tmp_path: Path) -> tuple[Run, Learner]:
    method = Pull()
    learner = Learner(method, SGD(method.parameters(), 0.1), lambda: None, method)
    return create(tmp_path / "run", "pull", {}, {}), learner


def drain(ticks: Iterator[Tick]) -> list[Tick]:
    return list(ticks)


def test_metrics_are_means_since_the_last_record(tmp_path: Path) -> None:
    run, learner = start(tmp_path)
    learner = learner._replace(optimisers=SGD(learner.method.parameters(), 0.0))
    ticks = drain(fit(run, learner, [1.0, 3.0, 5.0, 7.0], Cadence(2, 99)))
    assert [t.terms["error"] for t in ticks] == [5.0, 37.0]
    assert [r["error"] for r in records(run.folder, "terms")] == [5.0, 37.0]


def test_the_best_by_score_is_kept_not_the_last(tmp_path: Path) -> None:
    run, learner = start(tmp_path)
    values = iter([3.0, 1.0, 2.0])
    drain(fit(run, learner, [1.0] * 6, Cadence(1, 2), lambda i, terms: Score("frechet", next(values))))
    best, about = checkpoint.load(run.checkpoint("best"))
    assert (about["iteration"], about["value"]) == (4, 1.0)
    last, about = checkpoint.load(run.checkpoint("last"))
    assert about["iteration"] == 6
    assert run.newest() == run.checkpoint("best")
    assert not torch.equal(best["w"], last["w"])


def test_a_score_can_end_it(tmp_path: Path) -> None:
    run, learner = start(tmp_path)
    ticks = drain(fit(run, learner, [1.0] * 9, Cadence(1, 2), lambda i, terms: Score("frechet", 1.0, stop=i >= 4)))
    assert ticks[-1].iteration == 4


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, RuntimeError])
def test_what_was_learned_is_saved_when_it_is_interrupted(tmp_path: Path, interrupt: type[BaseException]) -> None:
    run, learner = start(tmp_path)

    def batches() -> Iterator[float]:
        yield from [1.0] * 3
        raise interrupt

    with pytest.raises(interrupt):
        drain(fit(run, learner, batches(), Cadence(100, 100)))
    assert checkpoint.load(run.checkpoint("last"))[1]["iteration"] == 3


def test_the_caller_may_leave_the_loop(tmp_path: Path) -> None:
    run, learner = start(tmp_path)
    for tick in fit(run, learner, [1.0] * 10, Cadence(1, 100)):
        if tick.iteration == 4:
            break
    assert checkpoint.load(run.checkpoint("last"))[1]["iteration"] == 4


def test_divergence_is_told_and_the_good_checkpoint_stands(tmp_path: Path) -> None:
    run, learner = start(tmp_path)
    batches = [1.0] * 4 + [float("nan")] * 4
    with pytest.raises(DivergedError, match="'error' was nan by step 6"):
        drain(fit(run, learner, batches, Cadence(2, 4), lambda i, terms: Score("frechet", 1.0)))
    state, about = checkpoint.load(run.checkpoint("last"))
    assert about["iteration"] == 4
    assert state["w"].isfinite()
