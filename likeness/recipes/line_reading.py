"""What the recipes of text lines share: the encoder that suits their height, how long to train, the falling rate."""

import math

from torch.optim import Optimizer

from likeness.core import Method
from likeness.errors import InputError
from likeness.nn.line_encoder import LineEncoder
from likeness.recipes.common import Facts

LEAST, MOST = 300, 20_000  # steps of a training whose length nobody gives


def encoder_for(facts: Facts, *, d: int, width: int, context: int) -> LineEncoder:
    """Frames of `d` numbers for lines of the height of the data.

    Raises:
        InputError: there is no such encoder.
    """
    if context < 0:
        raise InputError(f"--context {context}: give 0 layers or more")
    channels, height, _ = facts.event
    return LineEncoder(channels, height=height, width=width, d=d, context=context)


def steps_for(n: int, size: int, *, epochs: int) -> int:
    """So many passes over the data, and not all too few or too many steps."""
    return max(LEAST, min(MOST, epochs * n // size))


def cool(method: Method, optimiser: Optimizer, lr: float, steps: int) -> None:
    """The rate of the next step: from `lr` to zero by a cosine, a function of how many steps there were."""
    for group in optimiser.param_groups:
        group["lr"] = lr * (1 + math.cos(math.pi * min(1.0, method.iteration / steps))) / 2
