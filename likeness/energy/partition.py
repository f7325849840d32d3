"""log Z of an energy, three ways: on a grid, by annealed importance sampling, and by a bridge between samples.

    grid      Z ≈ Σ_cells e^{−E(centre)} · volume                               in one or two dimensions    (1)
    AIS       Z = E w,  chains from a Gaussian q to p (`annealing.py`): log Z from below, as log E w ≥ E log w
    bridge    r ← mean_{x ~ q} [l / (s₁ l + s₀ r)] / mean_{x ~ p} [1 / (s₁ l + s₀ r)],   l = e^{−E(x)} / q(x)   (2)

(2) needs samples of both, n₀ of q and n₁ of p, s_i = n_i / (n₀ + n₁); r → Z, with the least variance that any bridge
has. It is as good as the samples of p are, and wrong where their chains have not mixed.

Radford M. Neal. Annealed Importance Sampling. 2001. https://arxiv.org/abs/physics/9803008
(2) Xiao-Li Meng, Wing Hung Wong. Simulating ratios of normalizing constants via a simple identity. 1996.
    https://www.jstor.org/stable/24306045
"""

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.annealing import Bridge, annealed, log_mean_weight, schedule, tuned
from likeness.data.truth import Truth
from likeness.energy.energies import Energy, log_density, valued
from likeness.errors import InputError
from likeness.sampling import Streams, streams

Box = Sequence[tuple[float, float]]


@runtime_checkable
class Base(Protocol):
    """A density that can be drawn from, such as `reference.Reference`."""

    def log_prob(self, x: Tensor) -> Tensor: ...

    def sample(self, n: int, *, generator: int | Streams | None = None) -> Tensor: ...


class Normalised(NamedTuple):
    """An energy with its constant.

    Attributes:
        log_z: the constant.
        edge: the share of the mass in the outermost cells; more than a little says that the box is too small.
    """

    energy: Energy
    log_z: float
    edge: float

    def log_prob(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, " n"]:
        """Nats, exact up to the grid."""
        return -valued(self.energy, x) - self.log_z

    @torch.no_grad()
    def kl(self, truth: Truth, n: int = 20_000, *, generator: int | Streams | None = 0) -> float:
        """KL(truth ‖ p) in nats, by `n` draws of the truth."""
        x = truth.sample(n, generator=generator)
        return float((truth.log_prob(x).double() - self.log_prob(x).double()).mean())


@torch.no_grad()
def normalised(energy: Energy, box: Box, *, cells: int = 400) -> Normalised:
    """The energy with log Z by a grid of `cells` a side over the box, one pair (low, high) a dimension.

    Raises:
        InputError: the box has more than two dimensions, or none of its density is finite.
    """
    if not 1 <= len(box) <= 2:
        raise InputError(f"a grid in {len(box)} dimensions: it serves in one or two; use ais or bridge")
    lines = [low + (high - low) * (torch.arange(cells) + 0.5) / cells for low, high in box]
    points = torch.cartesian_prod(*lines).view(-1, len(box))
    volume = sum(math.log((high - low) / cells) for low, high in box)
    values = torch.cat([valued(energy, part) for part in points.split(20_000)]).double()
    log_Z = float((-values).logsumexp(0)) + volume  # (1)
    if not math.isfinite(log_Z):
        raise InputError(f"the energy has no finite integral over {list(box)} (log Z = {log_Z:g})")
    mass = (-values - log_Z + volume).exp().view(*[cells] * len(box))
    inside = mass[(slice(1, -1),) * len(box)]
    return Normalised(energy, log_Z, float(1 - inside.sum()))


class LogZ(NamedTuple):
    """An estimate of log Z and its standard error."""

    value: float
    error: float


def ais(
    energy: Energy,
    base: Base,
    *,
    chains: int = 256,
    temperatures: int = 200,
    leapfrogs: int = 5,
    generator: int | Streams | None = 0,
) -> LogZ:
    """log Z by chains that walk from `base` to the energy; where they are few or fast it is likely too low.

    Raises:
        InputError: fewer than two chains, or no temperature.
    """
    if chains < 2:
        raise InputError(f"{chains} chains: give two or more")
    source, betas = streams(generator), schedule(temperatures)
    bridge = Bridge(base.log_prob, log_density(energy))
    trial = source.split("trial")
    sizes = tuned(bridge, base.sample(chains, generator=trial), betas, trial.split("steps"), leapfrogs=leapfrogs)
    start = base.sample(chains, generator=source.split("start"))
    _, log_w = annealed(bridge, start, betas, sizes, source.split("walk"), leapfrogs=leapfrogs)
    w = (log_w - log_w.max()).exp()
    return LogZ(float(log_mean_weight(log_w[None])), float(w.std() / w.mean() / math.sqrt(chains)))


@torch.no_grad()
def bridge(
    energy: Energy,
    base: Base,
    x: Float[Tensor, " n *event"],
    *,
    draws: int | None = None,
    generator: int | Streams | None = 0,
    rounds: int = 1000,
) -> float:
    """log Z from samples x of the energy's density and as many (or `draws`) of `base`.

    Raises:
        InputError: the two do not overlap at all.
    """
    y = base.sample(draws or len(x), generator=generator)
    l0, l1 = ((-valued(energy, z) - base.log_prob(z)).double() for z in (y, x))
    s0, s1 = (math.log(len(z) / (len(x) + len(y))) for z in (y, x))
    log_r = l0.logsumexp(0) - math.log(len(y))
    for _ in range(rounds):
        above = (l0 - torch.logaddexp(l0 + s1, log_r + s0)).logsumexp(0) - math.log(len(y))
        below = (-torch.logaddexp(l1 + s1, log_r + s0)).logsumexp(0) - math.log(len(x))
        before, log_r = log_r, above - below  # (2)
        if abs(log_r - before) < 1e-10:
            break
    if not log_r.isfinite():
        raise InputError(f"log Z = {float(log_r):g}: base and energy do not overlap; use ais, or another base")
    return float(log_r)
