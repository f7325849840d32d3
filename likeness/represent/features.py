"""What a representation gives for new data: features of the encoder, and points on the sphere that an objective saw."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from likeness.nn.modes import evaluating
from likeness.represent.sphere import normalise


@torch.no_grad()
def encoded(f: nn.Module, x: Float[Tensor, " n *event"]) -> Float[Tensor, "n d"]:
    """f(x), in evaluation mode; the modes are as before afterwards."""
    with evaluating(f):
        return f(x)


@torch.no_grad()
def projected(f: nn.Module, g: nn.Module, x: Float[Tensor, " n *event"]) -> Float[Tensor, "n d2"]:
    """g(f(x)) on the sphere, in evaluation mode.

    Raises:
        InputError: a projection is zero.
    """
    with evaluating(f), evaluating(g):
        return normalise(g(f(x)))
