"""Distributions whose density is known exactly, so that samples and scores can be held against the truth.

A `Truth` draws with one random stream a sample and gives log-densities in nats. Where its mass lies in separate
modes it also says where they are, how wide one is and how much mass each holds.
"""

import math
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from likeness.data.batch import Batch
from likeness.errors import InputError
from likeness.sampling import Streams, streams

Generator = int | Streams | None
CHUNK = 4096  # samples whose distances from all components are held at once


@runtime_checkable
class Truth(Protocol):
    """A distribution over vectors `(d,)`. Without modes, `modes`, `std` and `weights` are None."""

    @property
    def modes(self) -> Tensor | None:
        """`(k, d)`, where the modes are."""

    @property
    def std(self) -> float | None:
        """The standard deviation of one mode, where all are equally wide in every direction."""

    @property
    def weights(self) -> Tensor | None:
        """`(k,)`, how much mass each mode holds."""

    def sample(self, n: int, *, generator: Generator = None) -> Tensor:
        """`(n, d)`."""

    def labelled(self, n: int, *, generator: Generator = None) -> Batch:
        """Samples with their classes, where there are any."""

    def log_prob(self, x: Tensor) -> Tensor:
        """`(n,)` nats."""


class Mixture:
    """A mixture of Gaussians, p(x) = Σₖ wₖ N(x; mₖ, Lₖ Lₖᵀ).

    Args:
        means: the mₖ.
        scales: the Lₖ, lower triangular; or one number, the standard deviation of every component.
        weights: the wₖ, summing to one; equal by default.
        labels: the class of each component, for mixtures whose components are pieces of something larger;
            without labels the components are the modes.
    """

    def __init__(
        self,
        means: Float[Tensor, "k d"],
        scales: Float[Tensor, "k d d"] | float,
        *,
        weights: Float[Tensor, " k"] | None = None,
        labels: Int[Tensor, " k"] | None = None,
    ) -> None:
        separate = labels is None
        self.means, self.scales, self.labels = means, scales, labels
        self.share = torch.full((len(means),), 1 / len(means)) if weights is None else weights
        self.modes = means if separate else None
        self.weights = self.share if separate else None
        self.std = scales if separate and isinstance(scales, float) else None

    def sample(self, n: int, *, generator: Generator = None) -> Float[Tensor, "n d"]:
        return self.labelled(n, generator=generator).x

    def labelled(self, n: int, *, generator: Generator = None) -> Batch:
        """Samples with the class of the component that each came from, where components have classes."""
        source = streams(generator)
        edges = self.share.cumsum(0)
        k = torch.bucketize(source.uniform(n) * edges[-1], edges).clamp_max(len(edges) - 1)
        noise = source.normal(n, self.means.shape[1])
        if isinstance(self.scales, Tensor):
            noise = torch.einsum("nij,nj->ni", self.scales[k], noise)
        else:
            noise = self.scales * noise
        return Batch(self.means[k] + noise, None if self.labels is None else self.labels[k])

    def log_prob(self, x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        return torch.cat([self._each(part).logsumexp(0) for part in x.split(CHUNK)])

    def score(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """∇ₓ log p(x) = Σₖ p(k|x) Σₖ⁻¹ (mₖ − x)."""
        return torch.cat([self._score(part) for part in x.split(CHUNK)])

    def noised(self, sigma: float) -> "Mixture":
        """The distribution of x + σ ε with ε ~ N(0, I), a mixture again.

        Raises:
            InputError: σ is below zero.
        """
        if sigma < 0:
            raise InputError(f"sigma {sigma:g}: noise has a standard deviation of zero or more")
        if isinstance(self.scales, Tensor):
            covariance = self.scales @ self.scales.mT
            scales = torch.linalg.cholesky(covariance + sigma**2 * torch.eye(covariance.shape[1]).to(covariance))
            return Mixture(self.means, scales, weights=self.share, labels=self.labels)
        return Mixture(self.means, math.hypot(self.scales, sigma), weights=self.share, labels=self.labels)

    def of_class(self, y: int) -> "Mixture":
        """The distribution of one class alone.

        Raises:
            InputError: no component has this class.
        """
        if self.labels is None or not (there := self.labels == y).any():
            raise InputError(f"class {y}: no component of this mixture has it")
        scales = self.scales[there] if isinstance(self.scales, Tensor) else self.scales
        return Mixture(self.means[there], scales, weights=self.share[there] / self.share[there].sum())

    def _score(self, x: Tensor) -> Tensor:
        p, m = self._each(x).softmax(0), self.means.to(x)
        if not isinstance(self.scales, Tensor):
            return (p.T @ m - x) / self.scales**2
        to = m[:, None] - x[None]  # k n d
        return torch.einsum("kn,knd->nd", p, torch.cholesky_solve(to.mT, self.scales.to(x)).mT)

    def _each(self, x: Tensor) -> Tensor:
        """log wₖ N(x; mₖ, Σₖ), (k, n)."""
        m, w = self.means.to(x), self.share.to(x)
        away = x[None] - m[:, None]  # k n d
        if isinstance(self.scales, Tensor):
            L = self.scales.to(x)
            away = torch.linalg.solve_triangular(L, away.mT, upper=False).mT
            volume = L.diagonal(dim1=1, dim2=2).log().sum(1)
        else:
            away, volume = away / self.scales, torch.full_like(w, m.shape[1] * math.log(self.scales))
        norm = w.log() - volume - m.shape[1] / 2 * math.log(2 * math.pi)
        return norm[:, None] - away.square().sum(2) / 2


class Laplace:
    """The Laplace distribution on a line, with mean zero: p(x) = exp(-|x| / b) / 2b, whose variance is 2b²."""

    modes = std = weights = None

    def __init__(self, variance: float = 1.0) -> None:
        self.b = math.sqrt(variance / 2)

    def sample(self, n: int, *, generator: Generator = None) -> Float[Tensor, "n 1"]:
        centred = streams(generator).uniform(n, 1) - 0.5
        return -self.b * centred.sign() * torch.log1p(-2 * centred.abs())

    def labelled(self, n: int, *, generator: Generator = None) -> Batch:
        return Batch(self.sample(n, generator=generator))

    def log_prob(self, x: Float[Tensor, "n 1"]) -> Float[Tensor, " n"]:
        return -x[:, 0].abs() / self.b - math.log(2 * self.b)


class Checkerboard:
    """Uniform on the dark fields of a board of `fields` by `fields` unit squares around the origin; an even number."""

    modes = std = weights = None

    def __init__(self, fields: int = 4) -> None:
        self.fields = fields

    def sample(self, n: int, *, generator: Generator = None) -> Float[Tensor, "n 2"]:
        source, half = streams(generator), self.fields // 2
        field = source.integers(n, self.fields * half)
        row, pair = field // half, field % half
        corner = torch.stack((2 * pair + row % 2, row), dim=1)
        return corner + source.uniform(n, 2) - half

    def labelled(self, n: int, *, generator: Generator = None) -> Batch:
        return Batch(self.sample(n, generator=generator))

    def log_prob(self, x: Float[Tensor, "n 2"]) -> Float[Tensor, " n"]:
        """-∞ on the light fields and outside the board."""
        place = (x + self.fields // 2).floor()
        inside = ((place >= 0) & (place < self.fields)).all(1)
        dark = place.sum(1) % 2 == 0
        density = torch.full_like(x[:, 0], -math.log(self.fields**2 / 2))
        return density.masked_fill(~(inside & dark), -math.inf)
