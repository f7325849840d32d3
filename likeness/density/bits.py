"""Bits per dimension: what it costs to send rounded data by the code that a density is.

    P(x) = ∫ p(x + u) du over a level's width Δ                                       (1)
    −log₂ P(x) ≤ −E log₂ p(x + u) − D log₂ Δ,   u ~ U(−Δ/2, Δ/2)                      (2)

A density has no bits of its own: rounded data are given uniform noise of the width of a level (dequantisation), and
(2) is a bound on the bits of the rounded data, whichever model it is of, so that models can be compared.

Lucas Theis, Aäron van den Oord, Matthias Bethge. A Note on the Evaluation of Generative Models. 2016.
https://arxiv.org/abs/1511.01844
"""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.errors import InputError
from likeness.sampling import Streams, streams

ROUNDED = 0.05  # of a level: fewer levels that were kept as 8 bits are not quite where they were
BLOCK = 256  # samples whose density is asked for at once


@torch.no_grad()
def bits_per_dim(
    log_prob: Callable[[Tensor], Tensor],
    x: Float[Tensor, " n *event"],
    *,
    levels: int = 256,
    draws: int = 1,
    generator: int | Streams | None = 0,
) -> Float[Tensor, " n"]:
    """Bits per dimension of samples in [-1, 1] that are rounded to so many levels: an upper bound, by uniform noise.

    Args:
        log_prob: nats of samples (n, *event), of a density on the same scale as `x`.
        draws: of the noise; more make the value more certain, not lower.

    Raises:
        InputError: values that are not of these levels; fewer than two levels or one draw.
    """
    if levels < 2 or draws < 1:
        raise InputError(f"{levels} levels and {draws} draws: use 2 or more and 1 or more")
    width, D = 2 / (levels - 1), x[0].numel()
    place = (x + 1) / width
    if (x.abs() > 1 + 1e-4).any() or (place - place.round()).abs().max() > ROUNDED:
        raise InputError(f"values are not of {levels} levels from -1 to 1: give the levels that the data have")
    source, nats = streams(generator), torch.zeros(len(x), dtype=torch.float64, device=x.device)
    for _ in range(draws):
        u = width * (source.uniform(*x.shape, device=x.device) - 0.5)
        nats += torch.cat([log_prob(part).double() for part in (x + u).split(BLOCK)]) / draws
    return (-(nats / D + math.log(width)) / math.log(2)).to(x.dtype)  # (1), (2)
