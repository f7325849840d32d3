"""The nearest rows of a set, exact, in blocks: memory grows with the block and not with the square of the set."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor
from torch.nn import functional as F

from likeness.errors import InputError

BLOCK = 2**24  # distances that are held at once


class Nearest(NamedTuple):
    """Of each row its k nearest others, the nearest first."""

    distance: Float64[Tensor, "n k"]
    place: Int[Tensor, "n k"]


def nearest(z: Float[Tensor, "m d"], k: int, *, cosine: bool = False) -> Nearest:
    """The k nearest other rows of every row of `z`, as `nearest_to` finds them.

    Raises:
        InputError: there are no k others.
    """
    return _found(z, z, k, cosine, apart=True)


def nearest_to(q: Float[Tensor, "n own"], z: Float[Tensor, "m d"], k: int, *, cosine: bool = False) -> Nearest:
    """The k rows of `z` nearest to each row of `q`, computed in float64.

    Args:
        cosine: distances are 1 − cosine, else Euclidean; a row of zeros is at distance 1 from all others.

    Raises:
        InputError: `z` has fewer rows than k, or the rows differ in length.
    """
    return _found(q, z, k, cosine, apart=False)


def _found(q: Tensor, z: Tensor, k: int, cosine: bool, apart: bool) -> Nearest:
    if not 1 <= k <= len(z) - apart:
        raise InputError(f"{k} neighbours among {len(z) - apart} rows: ask for 1 to as many as there are")
    if q.shape[1] != z.shape[1]:
        raise InputError(f"rows of {q.shape[1]} and {z.shape[1]} numbers are in no common space: make them alike")
    q, z = (F.normalize(v.double(), dim=1) if cosine else v.double() for v in (q, z))
    size, found = max(1, BLOCK // len(z)), []
    for start in range(0, len(q), size):
        part = q[start : start + size]
        away = (1 - part @ z.T).clamp_min(0) if cosine else torch.cdist(part, z)
        if apart:
            rows = torch.arange(len(part))
            away[rows, rows + start] = torch.inf
        found.append(away.topk(k, dim=1, largest=False))
    return Nearest(torch.cat([f.values for f in found]), torch.cat([f.indices for f in found]))
