"""Features on the unit sphere: how near those of a pair are, and how evenly all of them cover it.

    alignment(x, y) = ‖x − y‖^α                                   of a positive pair; 0 where it is one point    (1)
    G_t(u, v) = exp(−t ‖u − v‖²) = exp(2t u·v − 2t)                                                 (2)
    uniformity = log E_{u,v iid} G_t(u, v),   in [−2t, 0];   0 where all features are one point      (3)
    of the uniform law on S^{d−1}, its only minimiser:   log ₀F₁(; d/2; t²) − 2t                      (4)

Contrast does nothing else when there are many negatives: its loss less log M tends to (−α=2 alignment and) a form of
uniformity. So the two can be minimised alone, and measured for features of any origin.

Tongzhou Wang, Phillip Isola. Understanding Contrastive Representation Learning through Alignment and Uniformity on the
Hypersphere. 2020. https://arxiv.org/abs/2005.10242
"""

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from likeness.errors import InputError
from likeness.ranks import whole_batch
from likeness.represent.pairs import everyone, log_sum_exp, places

ROUNDING = 1e-2  # of a length: what rows of length one may lose in 16 bits


def normalise(z: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    """The rows, each divided by its length.

    Raises:
        InputError: a row is zero, which has no direction.
    """
    lengths = z.norm(dim=1, keepdim=True)
    zero = (lengths == 0).flatten()
    if zero.any():
        raise InputError(
            f"{int(zero.sum())} of {len(z)} feature vectors are zero, the first is row {int(zero.nonzero()[0])}: "
            "a zero has no direction on the sphere, leave such rows out or end the network in a layer with a bias"
        )
    return z / lengths


def check_sphere(*features: Tensor) -> None:
    """Raises InputError where rows are not of length one."""
    for z in features:
        lengths = z.norm(dim=1)
        if ((lengths - 1).abs() > ROUNDING).any():
            raise InputError(
                f"feature vectors of length {float(lengths.min()):.3g} to {float(lengths.max()):.3g} where the sphere "
                "is needed: pass them through likeness.represent.sphere.normalise first"
            )


def check_others(z: Float[Tensor, "n d"], what: str) -> None:
    """Raises InputError where the whole batch is one sample, which has no others to be compared with."""
    if whole_batch(len(z)) < 2:
        raise InputError(f"{what} of a batch of {len(z)}: it compares a sample with others, give two samples or more")


def alignment(x: Float[Tensor, "n d"], y: Float[Tensor, "n d"], *, alpha: float = 2.0) -> Float[Tensor, " n"]:
    """Of each positive pair; 0 to 2^α.

    Raises:
        InputError: rows that are not of length one, or α not above zero.
    """
    if not alpha > 0:
        raise InputError(f"alpha {alpha:g} of the alignment: give a power above zero, such as 2")
    check_sphere(x, y)
    squared = (x - y).square().sum(1)
    return squared if alpha == 2 else squared.clamp(min=1e-12) ** (alpha / 2)  # (1); a root has no slope at zero


def uniformity(x: Float[Tensor, "n d"], *, t: float = 2.0, block: int | None = None) -> Float[Tensor, ""]:
    """Over all pairs of different rows of the whole batch, of all processes; `block` as in `pairs.log_sum_exp`.

    Raises:
        InputError: rows that are not of length one, fewer than two, or t not above zero.
    """
    check_scale(t)
    check_others(x, "uniformity")
    check_sphere(x)
    every = everyone(x)
    rows = log_sum_exp(2 * t * x, every, own=places(x), block=block) - 2 * t  # (2)
    n = len(every)
    return everyone(rows).logsumexp(0) - math.log(n * (n - 1))  # (3)


def uniformity_between(
    x: Float[Tensor, "n d"], others: Float[Tensor, "m d"], *, t: float = 2.0, within: bool = True
) -> Float[Tensor, ""]:
    """Over all pairs of a row of the whole batch with one of `others`, such as the keys of a queue.

    Args:
        within: pairs of different rows of the batch count too, as in the authors' code.

    Raises:
        InputError: rows that are not of length one, no pairs, or t not above zero.
    """
    check_scale(t)
    check_sphere(x, others)
    every, rows, own = everyone(x), others, None
    if within:
        check_others(x, "uniformity")
        rows, own = torch.cat((others, every)), len(others) + places(x)
    values = log_sum_exp(2 * t * x, rows, own=own) - 2 * t  # (2)
    return everyone(values).logsumexp(0) - math.log(len(every) * (len(rows) - within))  # (3)


def ideal_uniformity(d: int, t: float = 2.0) -> float:
    """Of the uniform law on the sphere in d dimensions: what an embedding without gaps and clusters has.

    The series of ₀F₁ has positive terms only, so that it is summed in log-space, for any d and t.

    Raises:
        InputError: d below one, or t not above zero.
    """
    check_scale(t)
    if d < 1:
        raise InputError(f"a sphere in {d} dimensions: give one or more")
    k = np.arange(1, int(2 * t) + 64)  # beyond k = 2t each term is less than a quarter of the one before
    terms = np.concatenate(([0.0], np.cumsum(2 * math.log(t) - np.log(k) - np.log(d / 2 + k - 1))))
    return float(np.logaddexp.reduce(terms)) - 2 * t  # (4)


def check_scale(t: float) -> None:
    """Raises InputError where t of the potential is not above zero."""
    if not t > 0:
        raise InputError(f"t {t:g} of the uniformity: give a number above zero, such as 2")
