"""Fréchet distance: how far apart two feature sets are when each is taken for a Gaussian.

    F = ‖μ₁ − μ₂‖² + tr Σ₁ + tr Σ₂ − 2 tr (Σ₁Σ₂)^½                                       (1)
    tr (Σ₁Σ₂)^½ = Σᵢ λᵢ(LᵀΣ₂L)^½   with Σ₁ = LLᵀ                                         (2)
(2) needs the eigenvalues of one symmetric matrix, real and not negative also where there are fewer samples than
features. F of finite samples is too large by about a/n; a line through its values at several n gives F at n = ∞:
    F_n ≈ F_∞ + a/n                                                                      (3)
Both sets shrink together here, so that the bias of either vanishes (the paper shrinks the generated one alone). The
parts of one size together are the whole, so that (3) has the same error as F to first order, and shares its interval.

D. C. Dowson, B. V. Landau. The Fréchet Distance between Multivariate Normal Distributions. 1982.
https://doi.org/10.1016/0047-259X(82)90077-X
Martin Heusel et al. GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium. 2017.
https://arxiv.org/abs/1706.08500
Min Jin Chong, David Forsyth. Effectively Unbiased FID and Inception Score and Where to Find Them. 2020.
https://arxiv.org/abs/1911.07023
"""

from functools import partial
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.errors import InputError
from likeness.judge.resample import GROUPS, jackknife_interval
from likeness.ranks import world
from likeness.spread import spread

BLOCK = 4096


class Moments(NamedTuple):
    """Sums over rows, which add and subtract: their number, Σx and Σxxᵀ, in float64."""

    n: int
    first: Float[Tensor, " d"]
    second: Float[Tensor, "d d"]

    def __sub__(self, other: "Moments") -> "Moments":
        return Moments(self.n - other.n, self.first - other.first, self.second - other.second)


class Frechet(NamedTuple):
    """The distance and its value extrapolated to endless samples, each as (value, low, high)."""

    distance: tuple[float, float, float]
    extrapolated: tuple[float, float, float]


def moments(x: Float[Tensor, "n d"], shift: Float[Tensor, " d"]) -> Moments:
    """Sums of the rows of `x − shift`; a shift near the mean keeps the digits of the covariance.

    Processes share the rows out and add up their sums.
    """
    d, here = x.shape[1], world()
    first, second = shift.new_zeros(d), shift.new_zeros(d, d)
    for part in x.split(BLOCK)[here.rank :: here.size]:
        centred = part.double() - shift
        first += centred.sum(0)
        second.addmm_(centred.T, centred)
    return Moments(len(x), here.sum(first), here.sum(second))


def frechet_of_moments(a: Moments, b: Moments) -> Tensor:
    """The distance (1) between two sets of which only the sums are known; a float64 scalar."""
    mean_a, mean_b = a.first / a.n, b.first / b.n
    cov_a, cov_b = _covariance(a), _covariance(b)
    L = _factor(cov_a)
    cross = torch.linalg.eigvalsh(L.T @ cov_b @ L).clamp(min=0).sqrt().sum()  # (2)
    return (mean_a - mean_b).square().sum() + cov_a.trace() + cov_b.trace() - 2 * cross  # (1)


def frechet_distance(x: Float[Tensor, "n d"], y: Float[Tensor, "m d"]) -> float:
    """The distance (1) between two feature sets.

    Raises:
        InputError: fewer than two rows in either.
    """
    _check(x, y, 2)
    x, y = _shared_rows(x, y)
    shift = _shift(x)
    return max(0.0, float(frechet_of_moments(moments(x, shift), moments(y, shift))))


def frechet(x: Float[Tensor, "n d"], y: Float[Tensor, "m d"], *, groups: int = GROUPS) -> Frechet:
    """Distance (1), its extrapolation (3) and their grouped jackknife intervals; the order of rows must be random.

    Raises:
        InputError: fewer than two rows a group in either.
    """
    _check(x, y, 2 * groups)
    x, y = _shared_rows(x, y)
    shift = _shift(x)
    all_x, all_y = moments(x, shift), moments(y, shift)

    def of(a: Tensor, b: Tensor) -> Tensor:
        return frechet_of_moments(moments(a, shift), moments(b, shift))

    def without(a: Tensor, b: Tensor) -> Tensor:
        return frechet_of_moments(all_x - moments(a, shift), all_y - moments(b, shift))

    parts, half = zip(x.tensor_split(groups), y.tensor_split(groups)), (x[: len(x) // 2], y[: len(y) // 2])
    tasks = [partial(frechet_of_moments, all_x, all_y), partial(of, *half), partial(without, *half)]
    tasks += [partial(without, *part) for part in parts]
    found = torch.stack(spread(lambda i: tasks[i](), len(tasks))).cpu()
    value, left_out = max(0.0, float(found[0])), found[3:]
    sizes = found.new_tensor([1.0, groups / (groups - 1), 2.0])
    limit = intercept(sizes, torch.stack((found.new_tensor(value), left_out.mean(), found[1:3].mean())))
    return Frechet(jackknife_interval(value, left_out, lowest=0.0), jackknife_interval(limit, left_out))


def intercept(inverse_n: Float[Tensor, " s"], values: Float[Tensor, " s"]) -> float:
    """Where the least-squares line through (1/n, F_n) meets 1/n = 0."""
    design = torch.stack((torch.ones_like(inverse_n), inverse_n), 1)
    return float(torch.linalg.lstsq(design, values[:, None]).solution[0, 0])  # (3)


def _covariance(m: Moments) -> Tensor:
    return (m.second - torch.outer(m.first, m.first) / m.n) / (m.n - 1)


def _factor(covariance: Tensor) -> Tensor:
    L, failed = torch.linalg.cholesky_ex(covariance)
    if not failed:
        return L
    values, vectors = torch.linalg.eigh(covariance)
    return vectors * values.clamp(min=0).sqrt()


def _shift(x: Tensor) -> Tensor:
    return x.double().mean(0) if len(x) <= BLOCK else x[:BLOCK].double().mean(0)


def _shared_rows(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Both sets in the space their rows span, where that is smaller than the features': distances stay the same."""
    if len(x) + len(y) >= x.shape[1]:
        return x, y
    basis = torch.linalg.qr(torch.cat((x, y)).double().T).Q
    return x.double() @ basis, y.double() @ basis


def _check(x: Tensor, y: Tensor, least: int) -> None:
    if min(len(x), len(y)) < least:
        raise InputError(f"{min(len(x), len(y))} samples are too few for a Fréchet distance: give at least {least}")
