"""A second stage that makes large images of small ones: diffusion given a low resolution, itself with noise.

    c = up(down(x₀)) + s ε',   s uniform in (0, s_max)                                              (1)
    minimised   E ‖F(x₀ + σ ε; σ, c, s) − target‖²                                                  (2)
    cascade     x_low ~ a first stage,  x₀ ~ p(x₀ | up(x_low) + s ε', s)                            (3)

up is bilinear, down the mean of squares of pixels. What a first stage draws is not quite a small image of the data;
the noise (1) hides in training what is not to be relied on, and the network is told how much of it there is. Condition
and s enter as channels beside the noisy image, so that any network with more input than output channels will do.

Jonathan Ho, Chitwan Saharia, William Chan, David J. Fleet, Mohammad Norouzi, Tim Salimans. Cascaded Diffusion Models
for High Fidelity Image Generation. 2022. https://arxiv.org/abs/2106.15282
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from likeness.core import Method, Update
from likeness.data.batch import Batch
from likeness.density.classes import given, normalised
from likeness.diffusion.denoisers import Parameterisation, Preconditioned, over
from likeness.diffusion.sampler import Diffused, Rule
from likeness.diffusion.schedules import Schedule
from likeness.diffusion.weights import target
from likeness.errors import InputError
from likeness.nn.modes import evaluating
from likeness.ranks import noise_like, per_sample
from likeness.sampling import Sampler, Streams, streams


class Upsampler(Method):
    """Images of `factor` times the side.

    Args:
        F: the network, (n, 2c + 1, h, w), t (n,) → (n, c, h, w); for classes `F(x, t, y)`.
        parameterisation: what it predicts (`denoisers.PARAMETERISATIONS`).
        augmentation: s_max.
        labels: for networks conditional on a class, how often each occurs; (k,).

    Raises:
        InputError: a factor below two, or noise below zero; in training, a side that is no multiple of the factor.
    """

    frequencies: Tensor | None

    def __init__(
        self,
        F: nn.Module,
        parameterisation: Parameterisation,
        schedule: Schedule,
        *,
        factor: int = 2,
        augmentation: float = 0.5,
        labels: Tensor | None = None,
    ) -> None:
        super().__init__()
        if factor < 2 or augmentation < 0:
            raise InputError(f"factor {factor}, augmentation {augmentation:g}: give 2 or more, and noise from 0 on")
        self.F, self.parameterisation, self.schedule = F, parameterisation, schedule
        self.factor, self.augmentation = factor, augmentation
        self.register_buffer("frequencies", None if labels is None else normalised(labels))

    def updates(self, batch: Batch) -> Iterator[Update]:
        x0, labels = batch.x, given(self.frequencies, batch.y)
        u, s = (per_sample(len(x0), lambda n: torch.rand(n, device=x0.device)) for _ in range(2))
        s = s * self.augmentation
        c = self.raised(self.lowered(x0))
        c, sigma = c + over(s, c) * noise_like(c), self.schedule.trained(u)  # (1)
        noise = noise_like(x0)
        x, wanted = x0 + over(sigma, x0) * noise, target(self.parameterisation, x0, noise, sigma)
        network, seen = Beside(self.F, c, s), over(self.parameterisation.c_in(sigma), x) * x
        told = self.schedule.told(sigma).to(x.dtype)
        yield self, lambda: {"error": (network(seen, told, **labels) - wanted).square().mean()}  # (2)

    def lowered(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c low_h low_w"]:
        """Small images, the means of squares of pixels."""
        if x.shape[-1] % self.factor or x.shape[-2] % self.factor:
            raise InputError(f"images of {x.shape[-2]} by {x.shape[-1]} by {self.factor}: give a divisor of both sides")
        return functional.avg_pool2d(x, self.factor)

    def raised(self, low: Float[Tensor, "n c low_h low_w"]) -> Float[Tensor, "n c h w"]:
        """Large images without detail."""
        return functional.interpolate(low, scale_factor=self.factor, mode="bilinear", align_corners=False)

    @torch.no_grad()
    def upsample(
        self,
        low: Float[Tensor, "n c low_h low_w"],
        rule: Rule,
        *,
        steps: int = 25,
        augmentation: float = 0.0,
        generator: int | Streams | None = None,
        y: Int[Tensor, " n"] | None = None,
    ) -> Float[Tensor, "n c h w"]:
        """A draw for each small image, to which noise of this deviation is added first.

        Raises:
            InputError: more of it than in training, or a conditional model without labels.
        """
        if not 0 <= augmentation <= self.augmentation:
            raise InputError(f"augmentation {augmentation:g}: this model was trained with 0 to {self.augmentation:g}")
        source, labels, device = streams(generator), given(self.frequencies, y), next(self.F.parameters()).device
        c = self.raised(low.to(device))
        c = c + augmentation * source.split("augmentation").normal(*c.shape, device=device)  # (1)
        F = Beside(self.F, c, c.new_full((len(c),), augmentation), **labels)
        D = Preconditioned(F, self.parameterisation, self.schedule.told)
        with evaluating(self.F):
            return Diffused(D, rule, self.schedule.levels(steps), c.shape[1:], device=device)(len(c), generator=source)


class Beside(nn.Module):
    """A network that sees the condition c and how much noise s it has as channels beside its input."""

    def __init__(self, F: nn.Module, c: Tensor, s: Float[Tensor, " n"], y: Tensor | None = None) -> None:
        super().__init__()
        self.F, self.c, self.s, self.y = F, c, s, y

    def forward(self, x: Tensor, t: Float[Tensor, " n"], y: Tensor | None = None) -> Tensor:
        labels = self.y if y is None else y
        both = torch.cat((x, self.c, over(self.s, x).expand_as(x[:, :1])), dim=1)
        return self.F(both, t) if labels is None else self.F(both, t, labels)


class Cascade:
    """The sampler of two stages (3): what the first draws, made larger by the second."""

    def __init__(
        self, first: Sampler, second: Upsampler, rule: Rule, *, steps: int = 25, augmentation: float = 0.1
    ) -> None:
        self.first, self.second, self.rule = first, second, rule
        self.steps, self.augmentation = steps, augmentation

    def __call__(self, n: int, *, generator: int | Streams | None = None) -> Tensor:
        source = streams(generator)
        low = self.first(n, generator=source.split("first"))
        s, steps, again = self.augmentation, self.steps, source.split("second")
        return self.second.upsample(low, self.rule, steps=steps, augmentation=s, generator=again)  # (3)
