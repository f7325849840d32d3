"""N processes played by N threads of one, of which one runs at a time: to test what processes do together.

    halves = lockstep(2, lambda rank: learn(methods[rank], parts[rank], ...))

A thread runs until it needs what the others have, then the next one runs; each has a random state of its own, as
processes have. Nothing is left to chance, and a rank that never arrives is an error instead of a long wait.
"""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor

from likeness.ranks import World, using

T = TypeVar("T")


def lockstep(n: int, work: Callable[[int], T]) -> list[T]:
    """The results of `work(rank)` for the ranks 0 … n - 1, which work together; the first error of any is raised."""
    stage, begin = _Stage(n), torch.get_rng_state()
    results: list[Any] = [None] * n

    def play(rank: int) -> None:
        try:
            stage.wait(rank)
            torch.set_rng_state(begin)
            with using(_Played(stage, rank)):
                results[rank] = work(rank)
        except BaseException as error:  # of any kind: the caller raises it
            stage.failed(error)
        finally:
            stage.leave(rank)

    threads = [threading.Thread(target=play, args=(rank,)) for rank in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if stage.error is not None:
        raise stage.error
    return results


class _Stage:
    """Whose turn it is, and what was handed in at each meeting."""

    def __init__(self, n: int) -> None:
        self.n, self.turn, self.there = n, 0, set(range(n))
        self.change = threading.Condition()
        self.meetings: dict[int, dict[int, Any]] = {}
        self.error: BaseException | None = None

    def wait(self, rank: int) -> None:
        with self.change:
            self.change.wait_for(lambda: self.turn == rank)

    def pass_on(self, rank: int) -> None:
        with self.change:
            after = (*range(rank + 1, self.n), *range(rank + 1))
            self.turn = next((r for r in after if r in self.there), -1)
            self.change.notify_all()

    def meet(self, rank: int, meeting: int, value: Any) -> list[Any]:
        """Hand in a value; the values of all, once all have been there."""
        self.meetings.setdefault(meeting, {})[rank] = value
        self.pass_on(rank)
        self.wait(rank)
        found = self.meetings[meeting]
        if self.error is not None or len(found) < self.n:
            missing = sorted(set(range(self.n)) - set(found))
            raise RuntimeError(f"the ranks {missing} ended, or did something else, where rank {rank} needs them")
        return [found[r] for r in range(self.n)]

    def failed(self, error: BaseException) -> None:
        self.error = self.error or error

    def leave(self, rank: int) -> None:
        self.there.discard(rank)
        self.pass_on(rank)


class _Played(World):
    def __init__(self, stage: _Stage, rank: int) -> None:
        self.stage, self.rank, self.size, self.meetings = stage, rank, stage.n, 0

    def sum(self, x: Tensor) -> Tensor:
        return torch.stack(self.objects(x)).sum(0).to(x.dtype)

    def collect(self, x: Tensor) -> list[Tensor]:
        return self.objects(x)

    def objects(self, value: T) -> list[T]:
        random, self.meetings = torch.get_rng_state(), self.meetings + 1
        found = self.stage.meet(self.rank, self.meetings, value)
        torch.set_rng_state(random)
        return found
