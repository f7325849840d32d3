"""The score of a checkpoint and what monitors say of it: is it the best, does it collapse, does it go in circles."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor

from likeness.data.batch import Batch
from likeness.data.batching import whole
from likeness.data.dataset import Dataset
from likeness.judge.features import FeatureSpace, features_of
from likeness.judge.frechet import frechet_distance
from likeness.judge.monitors import Best, Diversity, Modes, Oscillation
from likeness.ranks import World, using
from likeness.recipes.common import Model
from likeness.run.fit import Score
from likeness.run.snapshot import Stateful
from likeness.sampling import Streams, draw

LARGEST = 2000  # samples that a checkpoint is scored by, at most
PART = 256  # of them at a time
Cost = Callable[[Any], Tensor]  # samples (n, *event), or a Batch of them, to one number each, the lower the better


class Watcher:
    """Scores checkpoints on validation data: by the model's own score, its density, or the Fréchet distance of draws.

    What is drawn is of the same random numbers each time and touches no random state of the training. Processes share
    the draws out unless `apart` is false: a sharded model draws nothing without all of them.
    """

    def __init__(
        self, model: Model, data: Dataset, space: FeatureSpace, *, patience: int | None, seed: int, apart: bool = True
    ) -> None:
        self.model, self.space, self.apart = model, space, apart
        self.patience, self.source = patience, Streams(seed).split("watching")
        self.device = next(model.learner.method.parameters()).device
        self.batch = whole(data.validation, LARGEST)
        real = self.real = self.batch.x
        self.n = max(500, len(real))
        self.known = self._features(real) if model.draws else torch.zeros(2, 1)  # nothing is held against it
        self.train = real[:0] if model.settle is None else whole(data.train, LARGEST).x
        modes = None if data.truth is None or not model.draws else data.truth.modes
        self.modes = None if modes is None else Modes(modes)
        self.diversity, self.swings = Diversity(self.known), Oscillation()
        self.best = Best(patience=patience or 10)

    def __call__(self, iteration: int, terms: dict[str, float]) -> Score | None:
        if self.model.ready is not None and not self.model.ready():
            return None
        if self.model.settle is not None:
            self.model.settle(self.train.to(self.device))
        cost = self._cost()
        game = cost is None and self.model.critic is not None  # its monitors, and its remedies
        x = self._drawn() if cost is None or self.modes is not None else self.real[:0]  # else nothing looks at them
        metric, value = ("frechet", self._frechet(x)) if cost is None else (cost[0], self._mean(cost[1]))
        found = self.best.update(value, iteration)
        if game:
            found += self.swings.update(value) + self.diversity.update(self._features(x))
        found += self.modes.update(x) if self.modes is not None else []
        found += self.model.watch(terms) if self.model.watch is not None else []
        stop = self.patience is not None and self.best.stop
        return Score(metric, value, findings=tuple(found), stop=stop)

    def state_dict(self) -> dict[str, Any]:
        return {name: monitor.state_dict() for name, monitor in self._monitors().items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        for name, monitor in self._monitors().items():
            monitor.load_state_dict(state[name])

    def _monitors(self) -> dict[str, Stateful]:
        given = {"best": self.best, "swings": self.swings, "diversity": self.diversity, "modes": self.modes}
        return {name: m for name, m in (given | {"watch": self.model.watch}).items() if m is not None}

    def _cost(self) -> tuple[str, Cost] | None:
        """The name and the cost of samples; None where only draws can tell, as nats without log Z compare no models."""
        log_prob = self.model.log_prob
        if self.model.score is not None or log_prob is None or self.model.log_prob_kind == "unnormalised":
            return self.model.score
        return "nll", lambda x: -log_prob(x)

    def _drawn(self) -> Tensor:
        with nullcontext() if self.apart else using(World()):
            return draw(self.model.sampler, self.n, generator=self.source)

    def _frechet(self, x: Tensor) -> float:
        return float(frechet_distance(self._features(x), self.known))

    def _mean(self, cost: Cost) -> float:
        cuda = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(cuda), torch.no_grad():
            torch.manual_seed(self.source.seed)
            return float(torch.cat([cost(part).double() for part in self._parts()]).mean())

    def _parts(self) -> Iterator[Tensor | Batch]:
        for start in range(0, len(self.real), PART):
            x, y = (None if v is None else v[start : start + PART].to(self.device) for v in self.batch[:2])
            assert x is not None
            yield Batch(x, y) if self.model.labelled else x

    def _features(self, x: Tensor) -> Tensor:
        return features_of(self.space, x, device=self.device).cpu()
