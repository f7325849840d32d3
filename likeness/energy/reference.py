"""A Gaussian as wide as data and more: where chains begin, what noise is, and what holds an energy together far away.

    q(x) = N(x; m, diag(s²)),   m and s of data, s widened                                            (1)
    p(x) ∝ q(x) e^{−f(x)},      E(x) = f(x) − log q(x)                                                (2)

A network alone may fall for ever along some direction, and then e^{−E} has no integral. Tilted from a Gaussian, it has
one for every f that grows slower than a square, and log Z = log E_q e^{−f} is zero where f is.

Jianwen Xie, Yang Lu, Song-Chun Zhu, Ying Nian Wu. A Theory of Generative ConvNet. 2016.
https://arxiv.org/abs/1602.03264
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from likeness.ranks import batch_mean
from likeness.sampling import Streams, streams

FLOOR = 0.1  # of a dimension's deviation, as a share of that of all dimensions: pixels at the edge have none


class Reference(nn.Module):
    """The Gaussian q; standard normal until `fit` has seen data."""

    mean: Tensor
    std: Tensor

    def __init__(self, event: Sequence[int], *, widen: float = 1.5) -> None:
        super().__init__()
        self.widen = widen
        self.register_buffer("mean", torch.zeros(*event))
        self.register_buffer("std", torch.ones(*event))

    @torch.no_grad()
    def fit(self, x: Float[Tensor, " n *event"]) -> None:
        """Take the moments of the whole batch."""
        mean = batch_mean(x)
        variance = batch_mean((x - mean).square())
        floor = FLOOR * variance.mean().sqrt().clamp_min(1e-6)
        self.mean.copy_(mean)
        self.std.copy_(self.widen * variance.sqrt().maximum(floor))

    @property
    def scale(self) -> Tensor:
        """The deviation of data in each dimension, with a floor."""
        return self.std / self.widen

    def at(self, noise: Float[Tensor, " n *event"]) -> Float[Tensor, " n *event"]:
        return self.mean + self.std * noise  # (1)

    def log_prob(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, " n"]:
        z = ((x - self.mean) / self.std).flatten(1)
        return -z.square().sum(1) / 2 - self.std.log().sum() - z.shape[1] / 2 * math.log(2 * math.pi)

    def sample(self, n: int, *, generator: int | Streams | None = None) -> Float[Tensor, " n *event"]:
        return self.at(streams(generator).normal(n, *self.mean.shape, device=self.mean.device))


class Tilted(nn.Module):
    """The energy (2) of a network f, x (n, *event) → (n,)."""

    def __init__(self, f: nn.Module, reference: Reference) -> None:
        super().__init__()
        self.f, self.reference = f, reference

    def forward(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, " n"]:
        return self.f(x) - self.reference.log_prob(x)  # (2)
