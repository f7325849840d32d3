"""What the scale of a guidance does: draws of every class at several scales, and how many are of their class.

Sharper guidance gives more draws that a classifier is sure of, and fewer kinds of them: judge both.

Prafulla Dhariwal, Alex Nichol. Diffusion Models Beat GANs on Image Synthesis. 2021. https://arxiv.org/abs/2105.05233
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from likeness.diffusion.sampler import Diffused
from likeness.errors import InputError
from likeness.judge.features import FeatureSpace, features_of
from likeness.sampling import Streams, draw, streams

SCALES = (0.0, 0.5, 1.0, 2.0, 4.0, 10.0)


class Drawn(NamedTuple):
    """Draws at a scale, and the class that each was steered to."""

    scale: float
    x: Float[Tensor, " n *event"]
    y: Int[Tensor, " n"]


class InTurn:
    """A sampler of all classes in turn, sample i of class i mod k, from one that takes labels."""

    def __init__(self, sampler: Diffused, classes: int) -> None:
        self.sampler, self.classes = sampler, classes

    def __call__(self, n: int, *, generator: int | Streams | None = None) -> Tensor:
        source = streams(generator)
        return self.sampler(n, generator=source, y=self.labels(n, source.first).to(self.sampler.device))

    def labels(self, n: int, first: int = 0) -> Int[Tensor, " n"]:
        """The classes of the samples from `first` on."""
        return (first + torch.arange(n)) % self.classes


def swept(
    at: Callable[[float], Diffused],
    classes: int,
    n: int,
    *,
    scales: Sequence[float] = SCALES,
    generator: int | Streams | None = 0,
    batch_size: int = 256,
) -> Iterator[Drawn]:
    """`n` draws at each scale, from the same noise; `at` gives the sampler of a scale (`classifier_guidance.guiding`).

    Raises:
        InputError: a scale below zero.
    """
    if wrong := [s for s in scales if s < 0]:
        raise InputError(f"guidance of scale {wrong[0]:g}: give zero (none) or more")
    source = streams(generator)
    for scale in scales:
        sampler = InTurn(at(scale), classes)
        yield Drawn(scale, draw(sampler, n, generator=source, batch_size=batch_size), sampler.labels(n, source.first))


def class_accuracy(space: FeatureSpace, x: Float[Tensor, " n *event"], y: Int[Tensor, " n"]) -> float:
    """The share of draws that a classifier of clean samples (`judge.classifier`) takes for their class.

    Raises:
        InputError: the space is that of no classifier.
    """
    if space.probabilities is None:
        raise InputError(f"the space {space.name} knows no classes: make it with judge.classifier")
    seen = space.probabilities(features_of(space, x)).argmax(1)
    return float((seen.cpu() == y.cpu()).double().mean())
