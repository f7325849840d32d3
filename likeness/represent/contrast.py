"""Contrast: a feature has to tell the other view of its sample from the features of other samples.

Of rows on the sphere, with the temperature τ:

    nt_xent      −log e^{z_i·z_j/τ} / Σ_{k≠i} e^{z_i·z_k/τ},   over the 2N views of a batch, j the other view of i   (1)
    info_nce     −log e^{q·k/τ} / (e^{q·k/τ} + Σ_m e^{q·n_m/τ}),   negatives n_m from anywhere          (2)
    between      −log e^{x_i·y_i/τ} / Σ_m e^{x_i·y_m/τ},   over one view of each sample                 (3)
    bound        I(X; Y) ≥ log N − E[info_nce],   N candidates, the positive one among them           (4)

All sums are in log-space and over the samples of all processes, whose gradients are those of the whole batch.

(1) Ting Chen, Simon Kornblith, Mohammad Norouzi, Geoffrey Hinton. A Simple Framework for Contrastive Learning of Visual
    Representations. 2020. https://arxiv.org/abs/2002.05709
(2), (4) Aäron van den Oord, Yazhe Li, Oriol Vinyals. Representation Learning with Contrastive Predictive Coding. 2018.
    https://arxiv.org/abs/1807.03748
(3) Kihyuk Sohn. Improved Deep Metric Learning with Multi-class N-pair Loss Objective. 2016.
    https://proceedings.neurips.cc/paper/2016/hash/6b180037abbebea991d8b1232f8a8ca9-Abstract.html
"""

import math
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.errors import InputError
from likeness.represent.pairs import everyone, log_sum_exp, places
from likeness.represent.sphere import check_others, check_sphere

Viewing = Callable[[Tensor], Sequence[Tensor]]  # samples to their views


def two_views(views: Viewing, x: Float[Tensor, " n *event"]) -> tuple[Tensor, Tensor]:
    """The two views of each sample, for a method that takes two.

    Raises:
        InputError: there are more or fewer, or they differ in shape.
    """
    found = views(x)
    if len(found) != 2 or found[0].shape != found[1].shape:
        shapes = ", ".join("×".join(map(str, v.shape[1:])) for v in found)
        raise InputError(f"{len(found)} views ({shapes}) for a method that takes two of one shape: give two(view)")
    return found[0], found[1]


def nt_xent(
    z1: Float[Tensor, "n d"], z2: Float[Tensor, "n d"], *, tau: float = 0.5, block: int | None = None
) -> Float[Tensor, " n"]:
    """Of each sample, the mean of both directions; 0 to log(2N − 1) + 2/τ.

    Args:
        block: views at a time, in memory linear in the batch and the same gradient; all at once if not given.

    Raises:
        InputError: rows that are not of length one, a batch of one, or τ not above zero.
    """
    check_temperature(tau)
    check_others(z1, "contrast")
    check_sphere(z1, z2)
    n, candidates = len(z1), torch.cat((everyone(z1), everyone(z2)))
    own = torch.cat((places(z1), places(z2) + len(candidates) // 2))
    others = log_sum_exp(torch.cat((z1, z2)) / tau, candidates, own=own, block=block)
    return (others[:n] + others[n:]) / 2 - (z1 * z2).sum(1) / tau  # (1)


def info_nce(
    q: Float[Tensor, "n d"], k: Float[Tensor, "n d"], negatives: Float[Tensor, "m d"], *, tau: float
) -> Float[Tensor, " n"]:
    """Of each query with its key; all queries share the negatives, such as the rows of a `Queue`.

    Raises:
        InputError: rows that are not of length one, no negatives, or τ not above zero.
    """
    check_temperature(tau)
    if len(negatives) == 0:
        raise InputError("contrast with 0 negatives, which any features minimise: give one or more")
    check_sphere(q, k, negatives)
    positive = (q * k).sum(1) / tau
    return torch.logaddexp(positive, log_sum_exp(q / tau, negatives)) - positive  # (2)


def between(
    x: Float[Tensor, "n d"], y: Float[Tensor, "n d"], *, tau: float, block: int | None = None
) -> Float[Tensor, " n"]:
    """Of each row of x with its row of y among all rows of y: one direction, 0 to log N + 2/τ.

    Raises:
        InputError: rows that are not of length one, a batch of one, or τ not above zero.
    """
    check_temperature(tau)
    check_others(x, "contrast")
    check_sphere(x, y)
    return log_sum_exp(x / tau, everyone(y), block=block) - (x * y).sum(1) / tau  # (3)


def mutual_information_bound(loss: float, n_candidates: int) -> float:
    """What the mean of `info_nce` proves of the information two views share, in nats: at most log N.

    It holds on average over batches whose negatives are drawn independently.

    Raises:
        InputError: fewer than two candidates.
    """
    if n_candidates < 2:
        raise InputError(f"{n_candidates} candidates: the positive one needs one other or more")
    return math.log(n_candidates) - float(loss)  # (4)


def check_temperature(tau: float) -> None:
    """Raises InputError where τ is not above zero."""
    if not tau > 0:
        raise InputError(f"tau {tau:g}: a temperature is above zero, such as 0.5")
