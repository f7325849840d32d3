"""What came of a sweep, as plain values: every trial, the best of them, and what made the difference."""

import math
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from likeness import __version__
from likeness.data.dataset import Dataset
from likeness.sweep.plan import Plan
from likeness.sweep.space import plain
from likeness.sweep.trial import folder_of

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

STATES = {"COMPLETE": "finished", "PRUNED": "pruned", "FAIL": "failed", "RUNNING": "running", "WAITING": "waiting"}
DIED = "its worker died without a word (killed, or the machine went down)"
FEW = 4  # finished trials without which importance means nothing
Row = dict[str, Any]


def summary(study: "Study", plan: Plan, data: Dataset, storage: str) -> dict[str, Any]:
    """The sweep as JSON; `storage` is its URL without a password.

    `trials` holds a row each: number, state, score (the mean over seeds), scores, spread (their standard deviation),
    seconds of a training, settings, folder, worker, message and, where another trial stands for it, `again`.
    """
    found = study.get_trials(deepcopy=False)
    successor = {t.user_attrs["again"]: t.number for t in found if "again" in t.user_attrs}
    rows = [row(t) | {"again": successor.get(t.number)} for t in found if not t.user_attrs.get("too late")]
    done = [r for r in rows if r["state"] == "finished"]
    return {
        "likeness": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "name": plan.name,
        "recipe": plan.recipe,
        "data": {"name": data.name, "fingerprint": data.fingerprint},
        "storage": storage,
        "metric": plan.metric,
        "maximise": plan.maximise,
        "asked": plan.trials,
        "seeds": plan.seeds,
        "pruning": plan.prune,
        "search": plain(plan.space),
        "settings": {k: v for k, v in plan.question(data).items() if k.startswith("--")},
        "best": None if not done else min(done, key=lambda r: _loss(plan, r))["number"],
        "own": next((r["number"] for r in done if r["own"]), None),
        "importance": importance(study, done),
        "front": front([(r["seconds"], _loss(plan, r), r["number"]) for r in done]),
        "trials": rows,
    }


def _loss(plan: Plan, r: Row) -> float:
    worth = plan.objective(r["score"])
    return -worth if plan.maximise else worth


def row(t: "FrozenTrial") -> Row:
    """A trial in plain values."""
    kept, state = t.user_attrs, STATES[t.state.name]
    scores, seconds = kept.get("scores", []), kept.get("seconds", [])
    message = kept.get("message") or (DIED if state == "failed" else None)
    return {
        "number": t.number,
        "state": state,
        "score": math.fsum(scores) / len(scores) if state == "finished" else None,
        "scores": scores,
        "spread": statistics.stdev(scores) if len(scores) > 1 else None,
        "seconds": math.fsum(seconds) / len(seconds) if seconds else None,
        "settings": dict(t.params),
        "own": bool(kept.get("default")),
        "checkpoints": sorted((step, abs(value)) for step, value in t.intermediate_values.items()),
        "folder": folder_of(t.number) if "worker" in kept else None,
        "worker": kept.get("worker"),
        "message": message,
    }


def importance(study: "Study", done: Sequence[Row]) -> dict[str, float]:
    """The share of each setting in the difference between good and other trials (PED-ANOVA), the largest first.

    Empty where too few trials are finished, or all are worth the same.
    """
    from optuna.importance import get_param_importances

    if len(done) < FEW or len({r["score"] for r in done}) < 2:
        return {}
    return {name: float(share) for name, share in get_param_importances(study).items()}


def front(points: Sequence[tuple[float, float, int]]) -> list[int]:
    """The numbers of the points (seconds, loss, number) that no other one beats in both, the quickest first."""
    kept: list[int] = []
    least = math.inf
    for _, loss, number in sorted(points):
        if loss < least:
            least = loss
            kept.append(number)
    return kept


def failures(rows: Sequence[Row]) -> list[tuple[str, int]]:
    """What failed trials said and how many said it, the most frequent first."""
    said = [r["message"] for r in rows if r["state"] == "failed" and r["again"] is None]
    return sorted(((words, said.count(words)) for words in set(said)), key=lambda pair: (-pair[1], pair[0]))
