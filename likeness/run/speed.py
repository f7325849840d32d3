"""What a training step costs: its time and the parts of it, its operations, and their share of what the device can do.

Time is taken in rounds of `ROUND` steps, so that what comes up at every k-th step has its share, and is the median
over rounds. Rounds with a clock at the borders of the parts take turns with rounds that nothing looks into: what the
clock costs is their difference.
"""

import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch.optim import Optimizer
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from likeness.core import Terms, Update, learn
from likeness.run.learner import Learner

PARTS = ("data", "forward", "backward", "optimiser", "rest")
ROUND = 16  # steps
FEWEST = 3  # rounds


class Work(NamedTuple):
    """What is measured: a learner, batches without end, and the pieces that each of them is cut into."""

    learner: Learner
    batches: Iterator[Any]
    device: torch.device
    accumulate: int = 1

    def step(self) -> None:
        """One step as `fit` takes it, without its records."""
        learner = self.learner
        learn(learner.method, next(self.batches), learner.optimisers, None, self.accumulate)
        learner.after()


class Speed(NamedTuple):
    """Seconds a step: as it is, the median of rounds; and by parts, of steps that a clock looks into.

    `forward` is all that a method computes, also the slopes that are part of a loss; `rest` is the loop itself and
    what follows a step, such as averages of weights. `clock` is what the clock adds, as a share of the step.
    """

    step: float
    parts: dict[str, float]
    clock: float
    rounds: int


def speed(work: Work, seconds: float) -> Speed:
    """Measure for about so long, and three rounds at least."""
    work.learner.method.train()
    whole(work)
    plain, parted = list[float](), list[dict[str, float]]()
    end = time.perf_counter() + seconds
    while len(plain) < FEWEST or time.perf_counter() < end:
        plain.append(whole(work))
        parted.append(parts(work))
    medians = {part: statistics.median(found[part] for found in parted) for part in PARTS}
    clock = statistics.median(sum(found.values()) / step for found, step in zip(parted, plain, strict=True)) - 1
    return Speed(statistics.median(plain), medians, clock, len(plain))


def side_by_side(works: Mapping[str, Work], seconds: float) -> dict[str, list[float]]:
    """Seconds a step of each, in rounds that take turns in another order each time; about `seconds` for each."""
    names, found = list(works), {name: list[float]() for name in works}
    end = time.perf_counter() + seconds * len(names)
    turn = 0
    while turn < FEWEST or time.perf_counter() < end:
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            found[name].append(whole(works[name]))
        turn += 1
    return found


def whole(work: Work) -> float:
    """Seconds a step of one round."""
    start = _now(work.device)
    for _ in range(ROUND):
        work.step()
    return (_now(work.device) - start) / ROUND


def parts(work: Work) -> dict[str, float]:
    """Seconds a step of each part, in one round; the device is waited for at every border between two parts."""
    clock, learner = _Clock(work.device), work.learner
    with _watched(learner, clock):
        for _ in range(ROUND):
            clock.to("data")
            batch = next(work.batches)
            clock.to("rest")
            learn(learner.method, batch, learner.optimisers, lambda _: clock.to("optimiser"), work.accumulate)
            learner.after()
        clock.to("rest")
    return {part: seconds / ROUND for part, seconds in clock.seconds.items()}


def operations(work: Work) -> float:
    """Floating-point operations a step, of matrix products and convolutions; gradients of gradients are counted too.

    Compiled networks are not looked into: count before compiling.
    """
    with _Counter() as counter:
        whole(work)
    return counter.total / ROUND


def matmul_peak(device: torch.device, dtype: torch.dtype) -> float:
    """Floating-point operations a second of a large matrix product, the best of many."""
    n = 8192 if device.type == "cuda" else 1024
    a, b = torch.randn(2, n, n, device=device).to(dtype)
    times = []
    for _ in range(20):
        start = _now(device)
        torch.mm(a, b)
        times.append(_now(device) - start)
    return 2 * n**3 / min(times)


def memory(device: torch.device) -> dict[str, int]:
    """Bytes at most so far: resident on the host, allocated on a GPU."""
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    host = {"host": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit}
    return host | ({"cuda": torch.cuda.max_memory_allocated(device)} if device.type == "cuda" else {})


class _Counter(TorchDispatchMode):
    """Counts by torch's formulas; its own counter follows modules by hooks, which forbid `autograd.grad`."""

    total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **kwargs or {})
        if formula := flop_registry.get(func.overloadpacket):
            self.total += formula(*args, **kwargs or {}, out_val=out)
        return out


class _Clock:
    """Whose time it is; switching to another part waits for the device."""

    def __init__(self, device: torch.device) -> None:
        self.device, self.seconds = device, dict.fromkeys(PARTS, 0.0)
        self.part, self.since = "rest", _now(device)

    def to(self, part: str) -> None:
        now = _now(self.device)
        self.seconds[self.part] += now - self.since
        self.part, self.since = part, now


@contextmanager
def _watched(learner: Learner, clock: _Clock) -> Iterator[None]:
    """Within the block the clock knows where a step is: in the method, in a backward pass, in an optimiser."""
    method, given = learner.method, learner.optimisers
    original = method.updates

    def updates(batch: Any) -> Iterator[Update]:
        clock.to("forward")
        for player, objective in original(batch):
            clock.to("rest")
            yield player, _timed(objective, clock)
            clock.to("forward")
        clock.to("rest")

    hooks = []
    for optimiser in [given] if isinstance(given, Optimizer) else given.values():
        hooks.append(optimiser.register_step_pre_hook(lambda *_: clock.to("optimiser")))
        hooks.append(optimiser.register_step_post_hook(lambda *_: clock.to("rest")))
    method.updates = updates  # type: ignore[method-assign]
    try:
        yield
    finally:
        del method.updates
        for hook in hooks:
            hook.remove()


def _timed(objective: Callable[[], Terms], clock: _Clock) -> Callable[[], Terms]:
    def timed() -> Terms:
        clock.to("forward")
        terms = objective()
        clock.to("backward")
        return terms

    return timed


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
