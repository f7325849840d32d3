"""The batches that a training still has before it, and their place in the data, which is part of its state."""

from collections.abc import Iterator, Mapping
from typing import Any

from likeness.core import Method
from likeness.data.batch import Batch
from likeness.data.batching import Batches, batches
from likeness.data.dataset import Dataset
from likeness.ranks import world
from likeness.recipes.common import Common


class Feed:
    """The batches that a method has not yet learned from; their place is what is saved of it."""

    def __init__(self, method: Method, data: Dataset, size: int, steps: int, settings: Common) -> None:
        self.method, self.split, self.size, self.steps, self.settings = method, data.train, size, steps, settings
        self.running: Batches | None = None
        self.place: Mapping[str, int] | None = None

    def __iter__(self) -> Iterator[Batch]:
        left, s = max(0, self.steps - self.method.iteration), self.settings
        self.running = batches(self.split, self.size, seed=s.seed, steps=left, state=self.place, device=s.device)
        return self.running

    def state_dict(self) -> dict[str, Any]:
        """The place of every process: in a stream each has its own."""
        mine = self.place if self.running is None else self.running.state_dict()
        return {"places": world().objects(mine)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Where other processes than these have read a stream, each goes on where as many samples have been read."""
        places, here = state["places"], world()
        if len(places) == here.size:
            self.place = places[here.rank]
        elif places[0] is not None:
            share = len(places) / here.size
            self.place = {k: int(v * share) if k == "entries" else v for k, v in places[0].items()}
