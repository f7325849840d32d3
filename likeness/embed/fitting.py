"""Passes over a corpus: what every method of this room is trained by where no run is kept.

AdaGrad gives every row of a table its own rate, which falls with the gradients it has had: rows of frequent words
settle early and those of rare ones still move. A row without a gradient does not move at all.

John Duchi, Elad Hazan, Yoram Singer. Adaptive Subgradient Methods for Online Learning and Stochastic Optimization.
2011. https://jmlr.org/papers/v12/duchi11a.html
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch.optim import Optimizer

from likeness.core import Method, train
from likeness.data.batch import Batch
from likeness.embed.rows import RowAdagrad
from likeness.errors import InputError

Material = Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray | None]]  # ids (n, k), and numbers (n,)


class Passes(NamedTuple):
    """How often a corpus is gone through, in batches of what size, at which rate of AdaGrad."""

    epochs: int = 5
    batch_size: int = 4096
    lr: float = 0.2


PASSES = Passes()


def learned(
    method: Method, material: Material, passes: Passes, seed: int, optimiser: Callable[..., Optimizer] = RowAdagrad
) -> list[float]:
    """Train in place; the mean loss of each pass. `material` makes what a pass learns from, drawn anew each time.

    Raises:
        InputError: a number of the passes is not above zero.
    """
    for name, value in passes._asdict().items():
        if value <= 0:
            raise InputError(f"{name} {value}: give a number above zero")
    moves = optimiser(method.parameters(), passes.lr)
    course = []
    for epoch in range(passes.epochs):
        since: list[torch.Tensor] = []
        made = material(np.random.default_rng((seed, epoch)))
        for step in train(method, _batches(*made, passes, seed + epoch), moves):
            since.append(torch.stack(list(step.terms.values())).sum())
        course.append(float(torch.stack(since).mean()))
    return course


def _batches(x: np.ndarray, y: np.ndarray | None, passes: Passes, seed: int) -> Iterator[Batch]:
    """All rows in an order of the seed; the last batch holds what is left."""
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    ids, numbers = torch.from_numpy(x), None if y is None else torch.from_numpy(y).float()
    for rows in order.split(passes.batch_size):
        yield Batch(ids[rows], None if numbers is None else numbers[rows], rows)
