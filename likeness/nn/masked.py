"""Masked perceptrons: a network whose outputs for one entry of a vector see the entries before it, and no other.

    hidden    M_kj = 1[m(k) ≥ m(j)]                                                                 (1)
    outputs   M_dk = 1[d > m(k)]                                                                    (2)

m(j) is the place of entry j in the order of the vector, 1 … D; m(k) of a hidden unit is how many entries it may see.
Units that may see none say what does not depend on the vector, such as what follows from the class.

Mathieu Germain, Karol Gregor, Iain Murray, Hugo Larochelle. MADE: Masked Autoencoder for Distribution Estimation.
2015. https://arxiv.org/abs/1502.03509
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from likeness.errors import InputError
from likeness.nn.blocks import Labels, check_labels


class MaskedLinear(nn.Linear):
    """A linear layer of which the mask leaves some weights."""

    mask: Tensor

    def __init__(self, mask: Bool[Tensor, "d_out d_in"]) -> None:
        super().__init__(mask.shape[1], mask.shape[0])
        self.register_buffer("mask", mask.float())

    def forward(self, x: Float[Tensor, "n d_in"]) -> Float[Tensor, "n d_out"]:
        return F.linear(x, self.weight * self.mask, self.bias)


class MaskedMLP(nn.Module):
    """Vectors (n, d) to `outputs` numbers an entry, (n, outputs, d), by `depth` hidden layers of `width` units.

    Args:
        order: the entries in the order in which each follows those before; as they stand if not given.

    Raises:
        InputError: a number is below one, or the order is none of these entries.
    """

    def __init__(
        self,
        d: int,
        outputs: int,
        *,
        width: int = 128,
        depth: int = 2,
        classes: int = 0,
        order: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        if min(d, outputs, width, depth) < 1:
            raise InputError(f"{depth} layers of {width} units for {d} entries of {outputs} outputs: give one or more")
        self.order, self.outputs, self.classes = list(range(d) if order is None else order), outputs, classes
        if sorted(self.order) != list(range(d)):
            raise InputError(f"order {self.order}: name each of the entries 0 … {d - 1} once")
        place = torch.empty(d, dtype=torch.long)
        place[self.order] = torch.arange(1, d + 1)
        hidden = degrees(d, width)
        layers = [MaskedLinear(b[:, None] >= a) for a, b in pairwise([place, *[hidden] * depth])]  # (1)
        self.layers = nn.ModuleList(layers)
        self.out = MaskedLinear((place[:, None] > hidden).repeat(outputs, 1))  # (2)
        if classes:
            self.embed = nn.Embedding(classes, width)

    def forward(self, x: Float[Tensor, "n d"], y: Labels = None) -> Float[Tensor, "n q d"]:
        check_labels(y, self.classes)
        first, *others = self.layers
        h = first(x) if y is None else first(x) + self.embed(y)
        for layer in others:
            h = layer(h.relu())
        return self.out(h.relu()).unflatten(1, (self.outputs, -1))


def degrees(d: int, width: int) -> Int[Tensor, " width"]:
    """How many entries each unit may see: 0 … d − 1, each as often as the others, or spread where units are few."""
    return (torch.arange(width) * d / width).long() if width < d else torch.arange(width) % d
