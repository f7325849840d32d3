"""A score network that knows the noise level, and Langevin chains that walk down the levels (NCSN).

    s(x, σ) = F(x, σ) / σ                                                                           (1)
    min  E_σ E ½ ‖σ s(x + σ ε, σ) + ε‖²                                                             (2)
    x ← x + (α_i/2) s(x, σ_i) + √α_i z,   α_i = ε σ_i²/σ_L²,  T steps at each of σ₁ > … > σ_L       (3)
    x ← x + σ_L² s(x, σ_L)                                   the last noise is removed              (4)

The levels and the step are chosen by the data, the dimension d and T, as the second paper has it:

    σ₁ = max_{a, b} ‖x_a − x_b‖                              every sample is reached from any other (5)
    Φ(√(2d)(γ − 1) + 3γ) − Φ(√(2d)(γ − 1) − 3γ) = ½,   σ_i = γ σ_{i+1}                              (6)
    ε/2σ_L² = a:  the least of  (1 − a)^{2T} (γ² − v) + v,   v = 2a/(1 − (1 − a)²)                  (7)

(7) is the variance that T steps make of the level above, over that of the level; 1 would be right. In few dimensions
(6) allows any γ, and it is that of the first paper, 100^{1/9}. Ours besides: F sees x/√(1 + σ²), and ln σ as a number
from 0 to 1000; it learns any level between the ends, ln σ uniform, of which chains then take those of (3).

Yang Song, Stefano Ermon. Generative Modeling by Estimating Gradients of the Data Distribution. 2019.
https://arxiv.org/abs/1907.05600
(1), (4)–(7) Yang Song, Stefano Ermon. Improved Techniques for Training Score-Based Generative Models. 2020.
    https://arxiv.org/abs/2006.09011
"""

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor, nn

from likeness.chains.annealed import annealed_langevin
from likeness.core import Method, Update
from likeness.data.batch import Batch
from likeness.energy.denoising import noise_prediction, wide
from likeness.energy.tweedie import denoise
from likeness.errors import InputError
from likeness.nn.modes import evaluating
from likeness.ranks import gather, noise_like, per_sample
from likeness.sampling import Streams, streams

WIDEST = 100 ** (1 / 9)  # the ratio of the first paper: ten levels from 1 to 0.01
TOLD = 1000.0


def farthest(x: Float[Tensor, " n *event"]) -> float:
    """The largest distance between two samples."""
    return float(torch.cdist(x.flatten(1), x.flatten(1)).max())  # (5)


def overlap(gamma: float, d: int) -> float:
    """How much of a level's mass lies within three deviations of the radius of the next."""
    shift = math.sqrt(2 * d) * (gamma - 1)
    return (math.erf((shift + 3 * gamma) / math.sqrt(2)) - math.erf((shift - 3 * gamma) / math.sqrt(2))) / 2  # (6)


@lru_cache
def ratio(d: int) -> float:
    """γ, the ratio of a level to the next, in d dimensions."""
    low, high = 1.0, WIDEST
    if overlap(high, d) >= 0.5:
        return high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if overlap(middle, d) > 0.5 else (low, middle)
    return low


def geometric(first: float, last: float, gamma: float) -> Float[Tensor, " levels"]:
    """Falling levels, both ends among them, whose ratio is γ at most.

    Raises:
        InputError: they do not fall to a number above zero.
    """
    if not 0 < last < first < math.inf:
        raise InputError(f"noise from {first:g} down to {last:g}: give a first level above the last, both above zero")
    steps = math.ceil(math.log(first / last) / math.log(gamma) - 1e-9)
    return torch.logspace(math.log(first), math.log(last), steps + 1, math.e, dtype=torch.float64).float()


def variance_left(a: float, gamma: float, T: int) -> float:
    """What T steps of size a leave of the variance γ² of the level above, in units of the level's own."""
    v = 2 * a / (1 - (1 - a) ** 2)
    return (1 - a) ** (2 * T) * (gamma**2 - v) + v  # (7)


@lru_cache
def step_size(gamma: float, T: int) -> float:
    """ε/σ_L² for T steps a level, in the unit of (3)."""
    tried = [10 ** (-5 + 5 * i / 2000) for i in range(2000)]
    return 2 * min(tried, key=lambda a: variance_left(a, gamma, T))


class NCSN(Method):
    """Score network and sampler for samples of shape `event`.

    Args:
        F: the network, `F(x, t)` with t (n,), (n, *event) → (n, *event).
        sigma_last: σ_L.
        sigma_first: σ₁; without it, by the first batch.
        gamma: γ, at most; without it, by the rule. Closer levels are more accurate at the same number of steps in all.
        steps: T, Langevin steps at each level.
        size: ε/σ_L²; without it, by the rule.

    Raises:
        InputError: a number out of its range, or levels that do not fall.
    """

    reach: Tensor

    def __init__(
        self,
        F: nn.Module,
        event: Sequence[int],
        *,
        sigma_last: float = 0.01,
        sigma_first: float | None = None,
        gamma: float | None = None,
        steps: int = 5,
        size: float | None = None,
    ) -> None:
        super().__init__()
        if steps < 1 or not (size is None or size > 0):
            raise InputError(f"{steps} steps of size {size} at each level: give one or more, of a size above zero")
        if gamma is not None and not gamma > 1:
            raise InputError(f"gamma {gamma:g}: the ratio of a noise level to the next is above 1, such as 1.3")
        self.F, self.event, self.sigma_last, self.steps = F, tuple(event), sigma_last, steps
        self.gamma = ratio(math.prod(self.event)) if gamma is None else gamma
        self.size = step_size(self.gamma, steps) if size is None else size
        if sigma_first is not None or not sigma_last > 0:
            geometric(sigma_first or 0.0, sigma_last, self.gamma)
        self.register_buffer("reach", torch.tensor(sigma_first or 0.0, dtype=torch.float64))

    @torch.no_grad()
    def start(self, x: Float[Tensor, " n *event"]) -> None:
        """Choose σ₁ by samples, if it was not given.

        Raises:
            InputError: all of them are alike, to within the last level.
        """
        if self.reach == 0:
            self.reach.fill_(farthest(x))
            geometric(float(self.reach), self.sigma_last, self.gamma)

    @property
    def sigmas(self) -> Float[Tensor, " levels"]:
        """The levels, falling.

        Raises:
            InputError: σ₁ was not given, and nothing has been learned.
        """
        if self.reach == 0:
            raise InputError("the first noise level is chosen by the data: train for a step, or give sigma_first")
        return geometric(float(self.reach), self.sigma_last, self.gamma).to(self.reach.device)

    def updates(self, batch: Batch) -> Iterator[Update]:
        if self.iteration == 0 and self.reach == 0:
            self.start(gather(batch.x))
        yield self, lambda: {"denoising": self.cost(batch.x).mean()}  # (2)

    def cost(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, " n"]:
        """The noise prediction's error of each sample, at a level and with noise drawn for it."""
        u = per_sample(len(x), lambda n: torch.rand(n, device=x.device))
        sigma = (self.sigma_last * (self.reach / self.sigma_last) ** u).to(x.dtype)
        return noise_prediction(lambda y: self.score(y, sigma), x, noise_like(x), sigma)

    def score(self, x: Float[Tensor, " n *event"], sigma: Float[Tensor, " n"]) -> Float[Tensor, " n *event"]:
        """∇ log p_σ(x)."""
        told = TOLD * (sigma / self.sigma_last).log() / (self.reach / self.sigma_last).log()
        return self.F(x * wide((1 + sigma.square()).rsqrt(), x), told.to(x.dtype)) / wide(sigma, x)  # (1)

    @torch.no_grad()
    def denoise(self, x: Float[Tensor, " n *event"], sigma: float) -> Float[Tensor, " n *event"]:
        """E of what lies behind samples with this noise."""
        return denoise(lambda y: self._judged(y, torch.full((len(y),), sigma).to(y)), x, sigma)

    def sample(self, n: int, *, generator: int | Streams | None = None) -> Float[Tensor, " n *event"]:
        """The ends of chains through all levels."""
        *_, x = self.states(n, generator=generator)
        return x

    @torch.no_grad()
    def states(self, n: int, *, generator: int | Streams | None = None) -> Iterator[Float[Tensor, " n *event"]]:
        """The chains at every step, from pure noise on; the last is a draw.

        Raises:
            InputError: steps of this size make a chain explode.
        """
        source, sigmas, device = streams(generator), self.sigmas, self.reach.device
        x = sigmas[0] * source.normal(n, *self.event, device=device)
        yield x
        eps = self.size * self.sigma_last**2
        yield from annealed_langevin(self._judged, x, sigmas, steps=self.steps, eps=eps, source=source)  # (3), (4)

    def _judged(self, x: Tensor, sigma: Tensor) -> Tensor:
        with evaluating(self.F):
            return self.score(x, sigma)
