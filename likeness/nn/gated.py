"""A perceptron whose units are gated, from samples of one shape to those of another.

    h = (W x + b) ⊙ S(V x + c),   S(t) = 1/(1 + e⁻ᵗ)                                                (1)

Yann N. Dauphin, Angela Fan, Michael Auli, David Grangier. Language Modeling with Gated Convolutional Networks. 2017.
https://arxiv.org/abs/1612.08083
"""

import math
from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import glu

from likeness.errors import InputError


class GatedMLP(nn.Module):
    """`depth` layers of `width` gated units between samples of the shapes `event` and `out`.

    Raises:
        InputError: `depth` is below one.
    """

    def __init__(self, event: tuple[int, ...], out: tuple[int, ...], *, width: int = 300, depth: int = 2) -> None:
        super().__init__()
        if depth < 1:
            raise InputError(f"depth {depth}: a perceptron has one hidden layer or more")
        self.out = out
        sizes = [math.prod(event), *[width] * depth]
        self.layers = nn.ModuleList(nn.Linear(a, 2 * b) for a, b in pairwise(sizes))
        self.head = nn.Linear(width, math.prod(out))

    def forward(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, " n *out"]:
        h = x.flatten(1)
        for layer in self.layers:
            h = glu(layer(h))  # (1)
        return self.head(h).unflatten(1, self.out)
