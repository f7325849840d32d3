"""What a set of feature vectors looks like, before any task is asked of it; with labels, how far classes stand apart.

    spectrum            λ₁ ≥ … ≥ λ_d of the covariance;  p_i = √λ_i / Σ_j √λ_j
    effective rank      exp(−Σ_i p_i ln p_i), from 1 to d                                           (1)
    participation       (Σ_i λ_i)² / Σ_i λ_i², from 1 to d                                          (2)
    anisotropy          mean cosine of two different rows: 0 where directions cancel, 1 where all agree   (3)
    k-occurrence        N_k(i) = in how many rows' lists of k neighbours row i stands, k on average (4)
    hubness             skewness of N_k: 0 where every row is as near to others as any, large with hubs   (5)
    discriminant ratio  ‖μ_a − μ_b‖² / (s_a + s_b),   s_c = mean of ‖z_i − μ_c‖² over class c       (6)

(1) takes singular values, here of the centred rows: so many directions, used equally, would have that entropy. In (6)
the spread of a class is a mean, where the paper sums, so that it does not fall with more samples. Two Gaussians have
‖m_a − m_b‖² / (tr S_a + tr S_b).

(1) Olivier Roy, Martin Vetterli. The effective rank: a measure of effective dimensionality. 2007.
    https://ieeexplore.ieee.org/document/7098875
(2) Peiran Gao et al. A theory of multineuronal dimensionality, dynamics and measurement. 2017.
    https://doi.org/10.1101/214262
(3) Kawin Ethayarajh. How Contextual are Contextualized Word Representations? 2019. https://arxiv.org/abs/1909.00512
(4), (5) Miloš Radovanović, Alexandros Nanopoulos, Mirjana Ivanović. Hubs in Space. 2010.
    https://www.jmlr.org/papers/v11/radovanovic10a.html
(6) Jovana Mitrovic et al. Representation Learning via Invariant Causal Mechanisms. 2020. https://arxiv.org/abs/2010.07922
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Float64, Int
from torch import Tensor
from torch.nn import functional as F

from likeness.errors import InputError
from likeness.represent.nearest import nearest

RELATIVE = 1e-12  # variances below that share of the mean squared norm are rounding


def spectrum(z: Float[Tensor, "n d"]) -> Float64[Tensor, " d"]:
    """The variances along the principal directions, the largest first; what is only rounding counts as zero.

    Raises:
        InputError: fewer than two rows.
    """
    if len(z) < 2:
        raise InputError(f"a spectrum of {len(z)} rows: give two or more")
    x = z.double()
    found = torch.zeros(z.shape[1], dtype=torch.float64)
    values = torch.linalg.svdvals(x - x.mean(0)).square() / (len(z) - 1)
    found[: len(values)] = values.cpu()
    return found.where(found > RELATIVE * float(x.square().sum(1).mean()), 0.0)


def effective_rank(variances: Float64[Tensor, " d"]) -> float:
    """Of a spectrum; 0 where nothing varies."""
    s = variances.sqrt()
    if float(s.sum()) == 0:
        return 0.0
    p = s / s.sum()
    return float(torch.special.entr(p).sum().exp())  # (1)


def participation_ratio(variances: Float64[Tensor, " d"]) -> float:
    """Of a spectrum; 0 where nothing varies. It counts strong directions; the effective rank counts weak ones too."""
    total = float(variances.sum())
    return total**2 / float(variances.square().sum()) if total else 0.0  # (2)


def anisotropy(z: Float[Tensor, "n d"]) -> float:
    """The mean over all pairs of different rows, which needs no list of pairs: ‖Σ u_i‖² = n + Σ_{i≠j} u_i·u_j.

    Raises:
        InputError: fewer than two rows.
    """
    if len(z) < 2:
        raise InputError(f"the cosine of two rows, of {len(z)}: give two or more")
    u, n = F.normalize(z.double(), dim=1), len(z)
    return float((u.sum(0).square().sum() - u.square().sum()) / (n * (n - 1)))  # (3)


def constant_columns(z: Float[Tensor, "n d"]) -> Bool[Tensor, " d"]:
    """Which columns hold one value alone."""
    return (z == z[:1]).all(0)


def duplicates(z: Float[Tensor, "n d"]) -> Bool[Tensor, " n"]:
    """Which rows equal an earlier one to the bit."""
    _, place = torch.unique(z, dim=0, return_inverse=True)
    first = torch.full((int(place.max()) + 1,), len(z)).scatter_reduce(0, place, torch.arange(len(z)), "amin")
    return first[place] != torch.arange(len(z))


def occurrence(place: Int[Tensor, "n k"]) -> Int[Tensor, " n"]:
    """How often each row is among the neighbours of others, given everyone's list (`nearest`)."""
    return place.flatten().bincount(minlength=len(place))  # (4)


def skewness(counts: Int[Tensor, " n"]) -> float:
    """Third standardised moment; 0 where all are equal."""
    away = counts.double() - counts.double().mean()
    spread = away.square().mean().sqrt()
    return float(away.pow(3).mean() / spread**3) if float(spread) else 0.0


def hubness(z: Float[Tensor, "n d"], *, k: int = 10, cosine: bool = True) -> float:
    """Raises InputError where there are no k other rows."""
    return skewness(occurrence(nearest(z, k, cosine=cosine).place))  # (5)


class Classes(NamedTuple):
    """Classes 0 … K − 1 of features; one without a row has size 0 and NaN.

    Attributes:
        mean: the centre of each.
        spread: mean squared distance of its rows to that centre.
    """

    size: Int[Tensor, " K"]
    mean: Float64[Tensor, "K d"]
    spread: Float64[Tensor, " K"]


def classes(z: Float[Tensor, "n d"], y: Int[Tensor, " n"]) -> Classes:
    """Centre and spread of each class."""
    size = y.bincount()
    x, K = z.double(), len(size)
    mean = torch.zeros(K, z.shape[1], dtype=torch.float64).index_add_(0, y, x) / size[:, None]
    away = (x - mean[y]).square().sum(1)
    return Classes(size, mean, torch.zeros(K, dtype=torch.float64).index_add_(0, y, away) / size)


def within_share(z: Float[Tensor, "n d"], y: Int[Tensor, " n"]) -> float:
    """The share of all variance that lies within classes: 0 where each is a point, 1 where centres coincide."""
    c, x = classes(z, y), z.double()
    total = float((x - x.mean(0)).square().sum())
    return float((c.spread * c.size)[c.size > 0].sum()) / total if total else 1.0


def linear_discriminant_ratio(z: Float[Tensor, "n d"], y: Int[Tensor, " n"]) -> Float64[Tensor, "K K"]:
    """Of every pair of classes; 0 on the diagonal, infinite for two points, NaN for a class without a row."""
    c = classes(z, y)
    apart = torch.cdist(c.mean, c.mean, compute_mode="donot_use_mm_for_euclid_dist").square()
    ratio = apart / (c.spread[:, None] + c.spread)  # (6)
    return ratio.fill_diagonal_(0.0)
