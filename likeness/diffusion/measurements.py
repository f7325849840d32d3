"""Linear measurements y = A x + noise, one small object each: A, its transpose, and (r A Aᵀ + v)⁻¹.

    masked    the values that are kept                                A Aᵀ = 1                      (1)
    pooled    means of squares of k by k pixels: lower resolution     A Aᵀ = 1/k²                   (2)
    matrix    any matrix on flattened samples                         eigenvectors of A Aᵀ          (3)
    linear    any linear function, transposed by its own gradient     conjugate gradients           (4)

(4) Magnus R. Hestenes, Eduard Stiefel. Methods of Conjugate Gradients for Solving Linear Systems. 1952.
    https://doi.org/10.6028/jres.049.044
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from likeness.errors import InputError

Linear = Callable[[Tensor], Tensor]  # samples (n, *event) to measurements (n, *measured), or the other way


class Measurement(NamedTuple):
    """A linear function of samples.

    `solve(u, r, v)` is (r A Aᵀ + v I)⁻¹ u of measurements u (n, *measured), for numbers r and v (n,) of each sample.
    """

    A: Linear
    transpose: Linear
    solve: Callable[[Tensor, Tensor, Tensor], Tensor]


def masked(mask: Bool[Tensor, " *event"]) -> Measurement:
    """The values where the mask is true, (n, kept).

    Raises:
        InputError: nothing is kept.
    """
    if not mask.any():
        raise InputError("a mask that keeps nothing: there is nothing to be true to")

    def transpose(u: Tensor) -> Tensor:
        x = u.new_zeros(len(u), *mask.shape)
        x[:, mask] = u
        return x

    return Measurement(lambda x: x[:, mask], transpose, lambda u, r, v: u / _over(r + v, u))  # (1)


def pooled(k: int) -> Measurement:
    """Images at 1/k of their resolution.

    Raises:
        InputError: k is below one; in use, the side of an image is no multiple of it.
    """
    if k < 1:
        raise InputError(f"pooled by {k}: give one pixel or more")

    def means(x: Tensor) -> Tensor:
        if x.shape[-1] % k or x.shape[-2] % k:
            raise InputError(f"images of {x.shape[-2]} by {x.shape[-1]} pooled by {k}: give a divisor of both sides")
        return functional.avg_pool2d(x, k)

    def transpose(u: Tensor) -> Tensor:
        return u.repeat_interleave(k, -1).repeat_interleave(k, -2) / k**2

    return Measurement(means, transpose, lambda u, r, v: u / _over(r / k**2 + v, u))  # (2)


def matrix(M: Float[Tensor, "m d"], event: Sequence[int] | None = None) -> Measurement:
    """M times flattened samples; `event` is the shape of one sample where it is no vector."""
    shape = tuple(event) if event is not None else (M.shape[1],)
    values, Q = torch.linalg.eigh((M @ M.mT).double())

    def solve(u: Tensor, r: Tensor, v: Tensor) -> Tensor:
        along = (u.double() @ Q.to(u.device)) / (r[:, None] * values.to(u.device) + v[:, None])
        return (along @ Q.mT.to(u.device)).to(u.dtype)  # (3)

    def transpose(u: Tensor) -> Tensor:
        return (u @ M.to(u)).reshape(len(u), *shape)

    return Measurement(lambda x: x.flatten(1) @ M.mT.to(x), transpose, solve)


def linear(A: Linear, event: Sequence[int], *, iterations: int = 50) -> Measurement:
    """Any linear function of samples of this shape, such as a blur; `iterations` of conjugate gradients solve it."""

    def transpose(u: Tensor) -> Tensor:
        with torch.enable_grad():
            x = u.new_zeros(len(u), *event, requires_grad=True)
            return torch.autograd.grad(A(x), x, u)[0]

    def solve(u: Tensor, r: Tensor, v: Tensor) -> Tensor:
        return conjugate_gradients(lambda w: _over(r, w) * A(transpose(w)) + _over(v, w) * w, u, iterations)

    return Measurement(A, transpose, solve)


def conjugate_gradients(K: Linear, u: Float[Tensor, " n *measured"], iterations: int) -> Float[Tensor, " n *measured"]:
    """K⁻¹ u for a positive definite K that leaves samples apart; each stops where its residual is nothing."""
    w, residual = torch.zeros_like(u), u
    direction, size = residual, _dot(residual, residual)
    least = size * torch.finfo(u.dtype).eps ** 2
    for _ in range(iterations):
        there = K(direction)
        step = torch.where(size > least, size / _dot(direction, there), 0)
        w, residual = w + _over(step, u) * direction, residual - _over(step, u) * there  # (4)
        new = _dot(residual, residual)
        direction = residual + _over(torch.where(size > least, new / size, 0), u) * direction
        size = torch.where(size > least, new, size)
        if not (size > least).any():
            break
    return w


def _dot(a: Tensor, b: Tensor) -> Float[Tensor, " n"]:
    return (a * b).flatten(1).sum(1)


def _over(value: Float[Tensor, " n"], u: Tensor) -> Tensor:
    return value.to(u).view(-1, *[1] * (u.ndim - 1))
