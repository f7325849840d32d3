"""A diffusion model: a network that takes the noise out of samples at every level, and what is drawn with it.

    x = x₀ + σ ε,   σ = a level of the schedule at the quantile u ~ U(0, 1),   ε ~ N(0, I)          (1)
    minimised : E w(σ) ‖D(x, σ) − x₀‖²                         the weights of `weights`             (2)
              + λ T E L_t                                      the terms of `bound`, in bits/dim    (3)

DDPM is (2) with the weight of the noise; with variances of steps learned too, λ = 0.001 and D a constant in (3), it is
the hybrid loss; (3) alone is the variational bound. Levels with large losses may be visited more often (`importance`),
u spread evenly over a batch, and noise matched to the samples of a batch (`flow_matching`). With classes, a share of
the labels is dropped, so that one network denoises with and without them:

    y ← k with probability `drop`, k the class of those without                                     (4)

(1), (2) Jonathan Ho, Ajay Jain, Pieter Abbeel. Denoising Diffusion Probabilistic Models. 2020.
    https://arxiv.org/abs/2006.11239
(3) Alex Nichol, Prafulla Dhariwal. Improved Denoising Diffusion Probabilistic Models. 2021.
    https://arxiv.org/abs/2102.09672
(4) Jonathan Ho, Tim Salimans. Classifier-Free Diffusion Guidance. 2022. https://arxiv.org/abs/2207.12598
"""

import math
from collections.abc import Callable, Iterator, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from likeness.core import Method, Terms, Update
from likeness.data.batch import Batch
from likeness.density.classes import given, normalised, over_classes
from likeness.diffusion.bound import bound, term
from likeness.diffusion.denoisers import Denoiser, Function, Labelled, Preconditioned, Prediction, clamped, over
from likeness.diffusion.importance import Chosen, Importance
from likeness.diffusion.sampler import Diffused, Rule
from likeness.diffusion.schedules import Discrete, Schedule
from likeness.diffusion.transitions import Steps, Variance, small, transitions
from likeness.diffusion.weights import inverse_square, target, weighted
from likeness.errors import InputError
from likeness.nn.modes import evaluating
from likeness.ranks import gather, noise_like, per_sample, world
from likeness.sampling import Streams, streams

Labels = Int[Tensor, " n"] | None
Couple = Callable[[Batch, Tensor], Tensor]  # a batch and its noise to the noise that each sample gets
HELD_OUT = 8  # levels at which samples are denoised to tell how well a network does


def independent(batch: Batch, noise: Float[Tensor, " n *event"]) -> Float[Tensor, " n *event"]:
    return noise


class Diffusion(Method):
    """The denoiser D of samples (n, *event), its schedule, and a way to draw.

    Args:
        rule: how `sample` goes from level to level.
        sigmas: the falling levels of a draw, down to zero, which the bound is of too.
        weight: w(σ) of (2); None for the bound alone.
        bound: λ of (3), for a schedule of discrete levels.
        variance: of a step down; `transitions.learned` for a D with learned variances.
        couple: which noise the samples of a batch get.
        importance: levels by their losses, remembered.
        spread: u evenly spread over the samples of a batch, from a random start.
        labels: for a conditional D, how often each class occurs; (k,), not necessarily normalised.
        drop: share of labels that become k in training.
        clip: results of D lie in [-1, 1] in draws and in the bound.
        levels: values that a pixel can have: `log_prob` is a bound of their probability.
        density: `density(D, x)` says the nats of samples exactly; without it and without levels they have a bound.

    Raises:
        InputError: a number out of its range, or one setting that needs another.
    """

    frequencies: Tensor | None

    def __init__(
        self,
        D: Preconditioned,
        schedule: Schedule,
        event: Sequence[int],
        *,
        rule: Rule,
        sigmas: Float[Tensor, " levels"],
        weight: Function | None = inverse_square,
        bound: float = 0.0,
        variance: Variance = small,
        couple: Couple = independent,
        importance: Importance | None = None,
        spread: bool = False,
        labels: Float[Tensor, " k"] | Int[Tensor, " k"] | None = None,
        drop: float = 0.0,
        clip: bool = False,
        levels: int | None = None,
        density: Callable[[Denoiser, Tensor], Tensor] | None = None,
    ) -> None:
        super().__init__()
        self.D, self.schedule, self.event, self.rule, self.sigmas = D, schedule, tuple(event), rule, sigmas
        self.weight, self.bound, self.variance, self.couple = weight, bound, variance, couple
        self.importance, self.spread, self.drop, self.clip = importance, spread, drop, clip
        self.levels, self.density = levels, density
        self.log_prob_kind = "exact" if density is not None and levels is None else "bound"
        self.register_buffer("frequencies", None if labels is None else normalised(labels), persistent=False)
        self._steps = transitions(schedule.levels(schedule.T)) if isinstance(schedule, Discrete) else None
        _check(self)

    def updates(self, batch: Batch) -> Iterator[Update]:
        x0, found = batch.x, []
        u, share = self._quantiles(len(x0), x0.device)
        sigma = self.schedule.trained(u)
        noise = self.couple(batch, noise_like(x0))
        x, y = x0 + over(sigma, x0) * noise, self._dropped(batch)  # (1)
        wanted = target(self.D.parameterisation, x0, noise, sigma)

        def objective() -> Terms:
            F, v = self.D.asked(x, sigma, y)
            cost = {}
            if self.weight is not None:
                cost["error"] = weighted(self.weight, self.D.parameterisation, F, wanted, sigma)  # (2)
            if self.bound:
                said = self.D.parameterisation.denoised(F if self.weight is None else F.detach(), x, sigma)
                cost["bound"] = self.bound * self._bits(u, Prediction(said, v), x0)  # (3)
            found.append(torch.stack([c.detach() for c in cost.values()]).sum(0))
            return {name: (share * c).mean() for name, c in cost.items()}

        yield self, objective
        if self.importance is not None:
            alone = world().size == 1
            self.importance.remember(u if alone else gather(u), found[0] if alone else gather(found[0]))

    def _quantiles(self, n: int, device: torch.device) -> Chosen:
        def uniform(n: int) -> Tensor:
            if not self.spread:
                return torch.rand(n, dtype=torch.double, device=device)
            places = torch.arange(n, dtype=torch.double, device=device) / n
            return (torch.rand((), dtype=torch.double, device=device) + places) % 1

        u = per_sample(n, uniform).clamp(1e-9, 1 - 1e-9)
        return Chosen(u, torch.ones(n, device=device)) if self.importance is None else self.importance(u)

    def _dropped(self, batch: Batch) -> Labels:
        y = given(self.frequencies, batch.y).get("y")
        if y is None or not self.drop:
            return y
        chance = per_sample(len(y), lambda n: torch.rand(n, device=y.device))
        return torch.where(chance < self.drop, self.classes, y)  # (4)

    def _bits(self, u: Tensor, said: Prediction, x0: Tensor) -> Float[Tensor, " n"]:
        """T L_t of each sample's own step, in bits per dimension."""
        assert self._steps is not None
        T = len(self._steps.sigma)
        t = (u * T).long().clamp(max=T - 1)
        step = Steps(*(part.to(u.device)[T - 1 - t] for part in self._steps))
        nats = term(step, said, x0, self.variance, self.levels)
        return nats * T / (x0[0].numel() * math.log(2))

    @property
    def classes(self) -> int:
        return 0 if self.frequencies is None else len(self.frequencies)

    def denoiser(self, y: Labels = None, *, clip: bool | None = None) -> Denoiser:
        """D for these labels; for none, that of samples whose labels are not known."""
        if y is None and self.frequencies is not None:
            given(None if self.drop else self.frequencies, None)
            D: Denoiser = Unlabelled(self.D, self.classes)
        else:
            D = self.D if y is None else Labelled(self.D, y)
        return clamped(D) if (self.clip if clip is None else clip) else D

    @torch.no_grad()
    def sample(self, n: int, *, generator: int | Streams | None = None, y: Labels = None) -> Float[Tensor, " n *event"]:
        """Draws; a conditional model draws the labels too, by their frequencies, unless they are given."""
        device = next(self.D.parameters()).device
        D = self.denoiser() if self.frequencies is None else self.denoiser
        draw = Diffused(D, self.rule, self.sigmas, self.event, frequencies=self.frequencies, device=device)
        with evaluating(self.D):
            return draw(n, generator=generator, y=y)

    def log_prob(
        self, x: Float[Tensor, " n *event"], y: Labels = None, *, generator: int | Streams | None = 0
    ) -> Float[Tensor, " n"]:
        """Nats of each sample, of which `log_prob_kind` and `levels` say what they are.

        Without labels, of a conditional model: those of the denoiser without labels if it has one, else the sum over
        the classes.
        """
        if y is None and self.frequencies is not None and not self.drop:
            return over_classes(self.frequencies, x, lambda y: self.log_prob(x, y, generator=generator))
        with evaluating(self.D):
            if self.log_prob_kind == "exact" and self.density is not None:
                return self.density(self.denoiser(y, clip=False), x)
            D, levels = self.denoiser(y), self.levels
            return -bound(D, x, self.sigmas, self.variance, levels=levels, generator=generator).nats.to(x.dtype)

    @torch.no_grad()
    def cost(self, x: Float[Tensor, " n *event"], y: Labels = None) -> Float[Tensor, " n"]:
        """How well samples are denoised at quantiles of the levels that stay the same, with noise that does too.

        The weight is that of (2), of the noise's error without one. Without labels, and without a denoiser that does
        without, it is that of the class that denoises a sample best.
        """
        if y is None and self.frequencies is not None and not self.drop:
            labels = [torch.full((len(x),), c, device=x.device) for c in range(self.classes)]
            return torch.stack([self.cost(x, y) for y in labels]).amin(0)
        D, source = self.denoiser(y, clip=False), streams(0)
        total = x.new_zeros(len(x))
        with evaluating(self.D):
            for i in range(HELD_OUT):
                u = torch.full((len(x),), (i + 0.5) / HELD_OUT, dtype=torch.double, device=x.device)
                sigma, noise = self.schedule.trained(u), source.normal(*x.shape, device=x.device).to(x)
                said = D(x + over(sigma, x) * noise, sigma)
                weight = (self.weight or inverse_square)(sigma).to(x)
                total += weight * (said - x).square().flatten(1).mean(1)  # (2)
        return total / HELD_OUT


class Unlabelled:
    """A conditional denoiser of samples whose class is not known: its class k."""

    def __init__(self, D: Preconditioned, k: int) -> None:
        self.D, self.k = D, k

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        return self.predict(x, sigma).x0

    def predict(self, x: Tensor, sigma: Tensor) -> Prediction:
        return self.D.predict(x, sigma, torch.full((len(x),), self.k, device=x.device))


def _check(method: Diffusion) -> None:
    bound, drop = method.bound, method.drop
    if bound < 0 or not 0 <= drop < 1:
        raise InputError(f"bound {bound:g} and drop {drop:g}: give a weight ≥ 0, and a share from 0 to below 1")
    if method.weight is None and not bound:
        raise InputError("there is no loss: give the weights of an error, or a weight of the bound")
    if bound and not isinstance(method.schedule, Discrete):
        raise InputError("the bound has terms for the levels of a discrete schedule: take linear or cosine")
    if method.D.learned and not bound:
        raise InputError("variances are learned from the bound alone: give it a weight, such as 0.001")
    if drop and method.frequencies is None:
        raise InputError(f"drop {drop:g} of the labels of a model without classes: leave it out")
