"""Proposals and targets whose ratio is known: uniform on [-5, 5] or N(0, 1.5²), and the target N(0, 1)."""

import math

import torch
from torch import Tensor

from likeness.sampling import Streams, streams

M_UNIFORM = 10 / math.sqrt(2 * math.pi)  # the largest ratio of N(0, 1) to the uniform proposal, at 0
M_WIDE = 1.5


def uniform(n: int, *, generator: int | Streams | None = None) -> Tensor:
    return 10 * streams(generator).uniform(n) - 5


def uniform_ratio(x: Tensor) -> Tensor:
    return -x.square() / 2 + math.log(M_UNIFORM)


def wide(n: int, *, generator: int | Streams | None = None) -> Tensor:
    return 1.5 * streams(generator).normal(n)


def wide_ratio(x: Tensor) -> Tensor:
    return -x.square() / 2 + x.square() / (2 * 1.5**2) + math.log(M_WIDE)


def grid_ratio(n: int = 20_001) -> Tensor:
    """The log ratio at evenly spread proposals of the uniform: sums over them are integrals."""
    return uniform_ratio(torch.linspace(-5, 5, n, dtype=torch.double))
