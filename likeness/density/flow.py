"""Normalising flows for vectors: an invertible network z = f(x) whose density is known exactly.

    log p(x) = log N(f(x); 0, I) + log |det ∂f/∂x|                                    (1)

The transformations are those of zuko: NICE (couplings), MAF (affine autoregressive), NSF (rational-quadratic splines),
CNF (a differential equation, exact up to the steps of its solver). Before them stands the affine map that
gives the first batch mean zero and variance one; its determinant is part of (1).

George Papamakarios et al. Normalizing Flows for Probabilistic Modeling and Inference. 2021.
https://arxiv.org/abs/1912.02762
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from likeness.core import Method, Update
from likeness.data.batch import Batch
from likeness.errors import InputError, unknown
from likeness.ranks import batch_mean, noise_like
from likeness.sampling import Streams, streams

TOLERANCE = 1e-6  # of each step of a solver, whose steps suit the hardest sample of a batch
LEAST = 1e-6  # variance below which a column counts as constant, and is not scaled


class Flow(Method):
    """A flow for vectors (n, d).

    Args:
        f: a flow of zuko, or what like it gives, when called, something with `transform` and `base`.
        noise: standard deviation of Gaussian noise on the training samples; the density is then that of data with it.
            Samples on planes or grids (categories, whole numbers) have no density without.

    Raises:
        InputError: the noise is below zero.
    """

    log_prob_kind = "exact"
    mean: Tensor
    std: Tensor

    def __init__(self, f: nn.Module, d: int, *, noise: float = 0.0) -> None:
        super().__init__()
        if noise < 0:
            raise InputError(f"noise {noise}: give its standard deviation, zero or more")
        self.f, self.noise = f, noise
        self.register_buffer("mean", torch.zeros(d))
        self.register_buffer("std", torch.ones(d))

    def updates(self, batch: Batch) -> Iterator[Update]:
        x = batch.x + self.noise * noise_like(batch.x) if self.noise else batch.x
        if self.iteration == 0:
            self._standardise(x)
        yield self, lambda: {"nll": -self.log_prob(x).mean()}

    def _standardise(self, x: Tensor) -> None:
        mean = batch_mean(x)
        variance = batch_mean((x - mean).square())
        self.mean.copy_(mean)
        self.std.copy_(torch.where(variance > LEAST, variance, 1.0).sqrt())

    def log_prob(self, x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """Nats, exact."""
        z, volume = self._transform().call_and_ladj((x - self.mean) / self.std)
        return self.f().base.log_prob(z) + volume - self.std.log().sum()  # (1)

    def encode(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """z = f(x), which `decode` inverts."""
        return self._transform()((x - self.mean) / self.std)

    def decode(self, z: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """x = f⁻¹(z); gradients reach z."""
        return self._transform().inv(z) * self.std + self.mean

    @torch.no_grad()
    def sample(self, n: int, *, generator: int | Streams | None = None) -> Float[Tensor, "n d"]:
        return self.decode(streams(generator).normal(n, len(self.mean), device=self.mean.device))

    def _transform(self) -> Any:
        return self.f().transform


def _nice(flows: Any, d: int, layers: int, width: int) -> nn.Module:
    return flows.NICE(d, transforms=layers, randmask=False, hidden_features=(width, width))


def _maf(flows: Any, d: int, layers: int, width: int) -> nn.Module:
    return flows.MAF(d, transforms=layers, hidden_features=(width, width))


def _nsf(flows: Any, d: int, layers: int, width: int) -> nn.Module:
    return flows.NSF(d, transforms=layers, bins=8, hidden_features=(width, width))


def _cnf(flows: Any, d: int, layers: int, width: int) -> nn.Module:
    return flows.CNF(d, hidden_features=(width, width), atol=TOLERANCE, rtol=TOLERANCE)


FAMILIES: dict[str, Callable[[Any, int, int, int], nn.Module]] = {"nice": _nice, "maf": _maf, "nsf": _nsf, "cnf": _cnf}


def family(name: str, d: int, *, layers: int = 4, width: int = 64) -> nn.Module:
    """zuko's flow of that name for vectors of `d` numbers; of a CNF, `layers` says nothing.

    Raises:
        InputError: there is no such family, or zuko is not installed.
    """
    if name not in FAMILIES:
        raise unknown("family of flows", name, FAMILIES)
    try:
        from zuko import flows
    except ImportError as error:
        raise InputError("flows need zuko: pip install 'likeness[flows]'") from error
    return FAMILIES[name](flows, d, layers, width)
