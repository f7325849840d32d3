"""A draw: noise of the highest level, walked down by a rule.

    x ← σ₀ ε;   x ← rule from σ₀ to σ₁, from σ₁ to σ₂, …  to σ_K = 0                                 (1)

A rule is a generator function that yields x at every level, so that each state can be shown; the last is the draw.

Jonathan Ho, Ajay Jain, Pieter Abbeel. Denoising Diffusion Probabilistic Models. 2020. https://arxiv.org/abs/2006.11239
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from likeness.density.classes import drawn
from likeness.diffusion.denoisers import Denoiser
from likeness.errors import InputError
from likeness.sampling import Streams, streams

Noise = Callable[[], Tensor]  # standard normal numbers of the samples' shape, fresh at each call


@runtime_checkable
class Rule(Protocol):
    """One way down: yields x at each of the levels after the first, given x at the first."""

    def __call__(
        self, D: Denoiser, x: Float[Tensor, " n *event"], sigmas: Float[Tensor, " levels"], noise: Noise
    ) -> Iterator[Float[Tensor, " n *event"]]: ...


class Diffused:
    """The sampler of a denoiser, a rule and levels.

    Args:
        D: the denoiser; with `frequencies`, what makes one of labels (n,).
        rule: how a draw goes from one level to the next.
        sigmas: falling levels, such as `schedule.levels(50)`; the last may be zero.
        event: the shape of one sample.
        frequencies: how often each class occurs, for denoisers that need labels.
        device: where the denoiser wants its samples.

    Raises:
        InputError: the levels do not fall.
    """

    def __init__(
        self,
        D: Denoiser | Callable[[Int[Tensor, " n"]], Denoiser],
        rule: Rule,
        sigmas: Float[Tensor, " levels"],
        event: Sequence[int],
        *,
        frequencies: Float[Tensor, " k"] | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        self.D, self.rule, self.sigmas, self.event = D, rule, walked(sigmas), tuple(event)
        self.frequencies, self.device = frequencies, torch.device(device)

    def __call__(
        self, n: int, *, generator: int | Streams | None = None, y: Int[Tensor, " n"] | None = None
    ) -> Float[Tensor, " n *event"]:
        """`n` draws. Labels are drawn by their frequencies unless they are given."""
        *_, x = self.states(n, generator=generator, y=y)
        return x

    @torch.no_grad()
    def states(
        self, n: int, *, generator: int | Streams | None = None, y: Int[Tensor, " n"] | None = None
    ) -> Iterator[Float[Tensor, " n *event"]]:
        """The draws at every level, from pure noise on.

        Raises:
            InputError: labels for a model without classes.
        """
        source = streams(generator)
        if y is not None and self.frequencies is None:
            raise InputError("labels were given to a sampler without classes: leave y out")
        if y is None and self.frequencies is not None:
            y = drawn(self.frequencies.to(self.device), n, source, self.device)
        D = self.D if y is None else self.D(y)  # type: ignore[call-arg]
        noises = source.split("noise")

        def noise() -> Tensor:
            return noises.normal(n, *self.event, device=self.device)

        x = self.sigmas[0].to(self.device, torch.float32) * source.normal(n, *self.event, device=self.device)  # (1)
        yield x
        yield from self.rule(D, x, self.sigmas, noise)  # type: ignore[arg-type]


def walked(sigmas: Float[Tensor, " levels"]) -> Float[Tensor, " levels"]:
    """Raises InputError where levels do not fall."""
    if len(sigmas) < 2 or not (sigmas[1:] < sigmas[:-1]).all() or sigmas[-1] < 0:
        raise InputError(f"levels {sigmas.tolist()}: a draw walks down two or more levels that fall to zero")
    return sigmas


def at(sigma: float | Tensor, x: Float[Tensor, " n *event"]) -> Float[Tensor, " n"]:
    """One level for all samples, as a denoiser takes it."""
    return torch.as_tensor(sigma, dtype=x.dtype, device=x.device).expand(len(x))
