"""Bits per dimension: what it costs to send rounded data by the code that a density is.

    P(x) = ∫ p(x + u) du over a level's width Δ                                       (1)
    −log₂ P(x) ≤ −E log₂ p(x + u) − D log₂ Δ,   u ~ U(−Δ/2, Δ/2)                      (2)

A density has no bits of its own: rounded data are given uniform noise of the width of a level (dequantisation), and
(2) is a bound on the bits of the rounded data, whichever model it is of, so that models can be compared. A model of the
rounded values themselves has a probability P(x), whose bits need no noise:
    −log₂ P(x) / D                                                                    (3)
Either is of so many levels, and only figures of as many can be compared: data of fewer levels cost fewer bits.

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
MOST = 256  # levels that are looked for: those of 8 bits


def levels_of(x: Float[Tensor, " n *event"]) -> int | None:
    """How many levels from -1 to 1 the values of images are rounded to, the fewest that fit; None where they are not.

    Values kept as 8 bits have 256 of them at most, digits of scikit-learn 17 and binary images 2.
    """
    values = torch.unique(x.flatten())
    if len(values) > MOST:
        return None
    return next((k for k in range(max(2, len(values)), MOST + 1) if of_levels(values, k)), None)


def binarised(x: Float[Tensor, " n *event"], *, generator: int | Streams | None = 0) -> Float[Tensor, " n *event"]:
    """Images in [-1, 1] as pixels of -1 or 1, each by chance with its grey value as probability."""
    u = streams(generator).uniform(*x.shape, device=x.device)
    return torch.where(u < (x + 1) / 2, 1.0, -1.0)


def bits_of_probability(nats: Float[Tensor, " n"], D: int) -> Float[Tensor, " n"]:
    """Bits per dimension of values whose log-probability is known."""
    return -nats / (D * math.log(2))  # (3)


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
    if not of_levels(x, levels):
        raise InputError(f"values are not of {levels} levels from -1 to 1: give the levels that the data have")
    source, nats = streams(generator), torch.zeros(len(x), dtype=torch.float64, device=x.device)
    for _ in range(draws):
        u = width * (source.uniform(*x.shape, device=x.device) - 0.5)
        nats += torch.cat([log_prob(part).double() for part in (x + u).split(BLOCK)]) / draws
    return (-(nats / D + math.log(width)) / math.log(2)).to(x.dtype)  # (1), (2)


def of_levels(x: Float[Tensor, "*any"], levels: int) -> bool:
    """Whether every value is one of so many levels from -1 to 1."""
    place = (x + 1) * (levels - 1) / 2
    return bool(x.abs().max() <= 1 + 1e-4) and bool((place - place.round()).abs().max() <= ROUNDED)
