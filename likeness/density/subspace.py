"""A density of many dimensions from one of few: a method on principal components, Gaussian noise beside them.

    c = Λ^(−½) Vᵀ(x − m),   r = (I − V Vᵀ)(x − m)                                     (1)
    log p(x) = log p(c) − ½ log |Λ| + log N(r; 0, σ²) over the D − d directions left  (2)

m, V, Λ are mean, directions and variances of the d first principal components of the first batch and σ² the mean
variance of those left, as in probabilistic PCA, so that (2) is a density of x itself and not of its picture.

Michael E. Tipping, Christopher M. Bishop. Probabilistic Principal Component Analysis. 1999.
https://doi.org/10.1111/1467-9868.00196
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.core import Method, Update
from likeness.data.batch import Batch
from likeness.errors import InputError
from likeness.ranks import gather
from likeness.sampling import Streams, streams

ROUNDING = (2 / 255) ** 2 / 12  # variance of what is lost when a pixel in [-1, 1] is rounded to 8 bits


class InSubspace(Method):
    """A method for vectors (n, d) as one for samples (n, *event), by their first d principal components.

    Args:
        inner: the method, with `log_prob` and `sample`.
        d: how many components; all directions beyond them share one variance.
        floor: the least variance of a direction; that of rounded pixels by default.

    Raises:
        InputError: more components than numbers in a sample; the first batch has not more samples than components.
    """

    mean: Tensor
    axes: Tensor
    variances: Tensor
    rest: Tensor

    def __init__(self, inner: Method, event: Sequence[int], d: int, *, floor: float = ROUNDING) -> None:
        super().__init__()
        D = math.prod(event)
        if not 1 <= d <= D:
            raise InputError(f"{d} principal components of {D} numbers: use 1 to {D}")
        self.inner: Any = inner
        self.event, self.floor = tuple(event), floor
        self.register_buffer("mean", torch.zeros(D))
        self.register_buffer("axes", torch.eye(D, d))
        self.register_buffer("variances", torch.ones(d))
        self.register_buffer("rest", torch.ones(()))

    @property
    def log_prob_kind(self) -> str:
        return self.inner.log_prob_kind

    def updates(self, batch: Batch) -> Iterator[Update]:
        self.inner.iteration = self.iteration
        if self.iteration == 0:
            self.start(gather(batch.x))
        yield from self.inner.updates(batch._replace(x=self.encode(batch.x)))

    @torch.no_grad()
    def start(self, x: Float[Tensor, " n *event"]) -> None:
        """The principal components of these samples."""
        flat, d = x.flatten(1).double(), len(self.variances)
        if len(flat) <= d:
            raise InputError(f"{d} principal components of {len(flat)} samples: use fewer, or larger batches")
        values, vectors = torch.linalg.eigh(flat.T.cov())
        values = values.clamp_min(self.floor).flip(0)
        self.mean.copy_(flat.mean(0))
        self.axes.copy_(vectors.flip(1)[:, :d])
        self.variances.copy_(values[:d])
        if d < len(values):
            self.rest.copy_(values[d:].mean())

    def encode(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, "n d"]:
        """Coordinates of variance one."""
        return (x.flatten(1) - self.mean) @ self.axes / self.variances.sqrt()  # (1)

    def log_prob(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, " n"]:
        """Nats of the samples themselves, of the kind of the inner method."""
        away = (x.flatten(1) - self.mean).double()
        axes, left = self.axes.double(), len(self.mean) - len(self.variances)
        r = away - away @ axes @ axes.T  # (1)
        beside = -r.square().sum(1) / self.rest / 2 - left / 2 * (2 * math.pi * self.rest).log()
        return (self.inner.log_prob(self.encode(x)) - self.variances.log().sum() / 2 + beside).to(x.dtype)  # (2)

    @torch.no_grad()
    def sample(self, n: int, *, generator: int | Streams | None = None) -> Float[Tensor, " n *event"]:
        """Draws of the density, the noise beside the components included."""
        source = streams(generator)
        c = self.inner.sample(n, generator=source.split("components"))
        noise = self.rest.sqrt() * source.normal(n, len(self.mean), device=self.mean.device)
        x = self.mean + (c * self.variances.sqrt()) @ self.axes.T + noise - noise @ self.axes @ self.axes.T
        return x.unflatten(1, self.event)
