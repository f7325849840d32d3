"""MADE: a vector's entries one after the other, each given those before it, by one pass of a masked network.

    log p(x | y) = Σ_i log p(x_i | x_1 … x_{i−1}, y)                                                (1)

Entries with a density are first brought to mean zero and variance one, as they were in the first batch; the volume of
that is part of the density. To draw takes one pass for each entry.

Mathieu Germain, Karol Gregor, Iain Murray, Hugo Larochelle. MADE: Masked Autoencoder for Distribution Estimation.
2015. https://arxiv.org/abs/1502.03509
"""

from collections.abc import Callable, Iterator
from math import prod

import torch
from jaxtyping import Float, Int
from torch import Tensor

from likeness.core import Method, Update
from likeness.data.batch import Batch
from likeness.density.classes import drawn, given, normalised, over_classes
from likeness.density.conditionals import Conditional, log_probs
from likeness.errors import InputError
from likeness.nn.masked import MaskedMLP
from likeness.nn.modes import evaluating
from likeness.ranks import batch_mean, noise_like
from likeness.sampling import Streams, streams

Labels = Int[Tensor, " n"] | None
LEAST = 1e-6  # variance below which an entry counts as constant, and is not scaled


class MADE(Method):
    """An autoregressive model of vectors (n, d), or of the pixels of images one by one.

    Args:
        net: a masked network of `conditional.outputs` outputs an entry.
        conditional: the distribution of an entry: `Gaussians`, `Binary`, `Logistics`.
        event: the shape of a sample.
        noise: standard deviation of Gaussian noise on the training samples; the density is then that of data with it.
        observe: what of a training sample is learned from, drawn anew each time (`likelihoods.binarised`).
        labels: for a network conditional on a class, how often each occurs; (k,), not necessarily normalised.

    Raises:
        InputError: the noise is below zero, or given for entries that have no density; in training, samples are none
            of the conditional's, or the model is conditional and a batch has no labels.
    """

    log_prob_kind = "exact"
    frequencies: Tensor | None
    mean: Tensor
    std: Tensor

    def __init__(
        self,
        net: MaskedMLP,
        conditional: Conditional,
        event: tuple[int, ...],
        *,
        noise: float = 0.0,
        observe: Callable[[Tensor], Tensor] | None = None,
        labels: Tensor | None = None,
    ) -> None:
        super().__init__()
        if noise < 0 or (noise and conditional.levels is not None):
            raise InputError(f"noise {noise:g}: give its standard deviation, above zero only for data with a density")
        self.net, self.conditional, self.event, self.noise, self.observe = net, conditional, event, noise, observe
        self.register_buffer("mean", torch.zeros(prod(event)))
        self.register_buffer("std", torch.ones(prod(event)))
        self.register_buffer("frequencies", None if labels is None else normalised(labels))

    @property
    def levels(self) -> int | None:
        """Values that an entry has, where `log_prob` is of those; None where it is a density."""
        return self.conditional.levels

    def updates(self, batch: Batch) -> Iterator[Update]:
        x, labels = batch.x if self.observe is None else self.observe(batch.x), given(self.frequencies, batch.y)
        x = x + self.noise * noise_like(x) if self.noise else x
        if self.iteration == 0:
            self.conditional.check(x)  # later it would wait for the device at every step
            if self.levels is None:
                self._standardise(x.flatten(1))
        yield self, lambda: {"nll": -self._log_prob(x, labels).mean()}

    def _standardise(self, x: Float[Tensor, "n d"]) -> None:
        mean = batch_mean(x)
        variance = batch_mean((x - mean).square())
        self.mean.copy_(mean)
        self.std.copy_(torch.where(variance > LEAST, variance, 1.0).sqrt())

    def _log_prob(self, x: Tensor, labels: dict[str, Tensor]) -> Float[Tensor, " n"]:
        z = (self.conditional.rounded(x.flatten(1)) - self.mean) / self.std
        return log_probs(self.conditional, z[:, None], self.net(z, **labels)) - self.std.log().sum()  # (1)

    def log_prob(self, x: Float[Tensor, " n *event"], y: Labels = None) -> Float[Tensor, " n"]:
        """Nats, exact; given labels, of log p(x|y). `observe` is not applied.

        Without labels a conditional model sums over its classes.
        """
        with evaluating(self.net):
            if y is None and self.frequencies is not None:
                return over_classes(self.frequencies, x, lambda y: self._log_prob(x, {"y": y}))
            return self._log_prob(x, given(self.frequencies, y))

    @torch.no_grad()
    def sample(self, n: int, *, generator: int | Streams | None = None, y: Labels = None) -> Float[Tensor, " n *event"]:
        """Draw samples; of a conditional model the labels too, by their frequencies, unless they are given."""
        source, device, d = streams(generator), self.mean.device, len(self.mean)
        if self.frequencies is not None and y is None:
            y = drawn(self.frequencies, n, source, device)
        labels = given(self.frequencies, y)
        u, z = source.uniform(n, self.conditional.uniforms, d, device=device), torch.zeros(n, d, device=device)
        with evaluating(self.net):
            for i in self.net.order:
                z[:, i] = self.conditional.drawn(self.net(z, **labels)[:, :, i], u[:, :, i])[:, 0]
        return (z * self.std + self.mean).reshape(n, *self.event)
