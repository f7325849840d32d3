"""What a recipe builds for the loop: the method, who moves it, and what of it is saved."""

from collections.abc import Callable
from typing import NamedTuple

from torch import nn

from likeness.core import Method, Optimisers


class Learner(NamedTuple):
    """What trains.

    Attributes:
        method, optimisers: as `train` wants them.
        after: runs after each step (averages of weights).
        state: holds every module whose tensors are saved, the method among them.
        once: networks that are never differentiated twice, and so may be compiled.
        to_train: names in `state` of what only a training needs, such as samples: checkpoints to draw from go without.
    """

    method: Method
    optimisers: Optimisers
    after: Callable[[], object]
    state: nn.Module
    once: tuple[nn.Module, ...] = ()
    to_train: tuple[str, ...] = ()
