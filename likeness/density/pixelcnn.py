"""PixelCNN: an image is drawn pixel by pixel, each given the pixels above it and to its left.

    log p(x | y) = Σ_i log p(x_i | x_1 … x_{i−1}, y),   i row by row and left to right              (1)

All terms of (1) are outputs of one pass of the network, so that the probability of an image is exact; to draw one
takes as many steps as it has pixels, in which nothing is computed twice (`nn/pixelcnn.py`). What is modelled is
rounded pixels, by a mixture of logistics over their levels or as binary ones: `log_prob` is a probability, in nats,
and no density.

Aäron van den Oord et al. Conditional Image Generation with PixelCNN Decoders. 2016. https://arxiv.org/abs/1606.05328
"""

from collections.abc import Callable, Iterator

import torch
from jaxtyping import Float, Int
from torch import Tensor

from likeness.core import Method, Update
from likeness.data.batch import Batch
from likeness.density.classes import drawn, drawn_each, given, normalised, over_classes, posterior
from likeness.density.conditionals import Conditional, log_probs
from likeness.errors import InputError
from likeness.nn.modes import evaluating
from likeness.nn.pixelcnn import GatedPixelCNN
from likeness.sampling import Streams, streams

Labels = Int[Tensor, " n"] | None


class PixelCNN(Method):
    """An autoregressive model of images (n, c, h, w) in [-1, 1].

    Args:
        net: from images to `conditional.outputs` numbers a pixel.
        conditional: the distribution of a pixel; `Logistics` for levels, `Binary` for two values.
        event: (c, h, w) of what is drawn.
        observe: what of a training sample is learned from, drawn anew each time (`likelihoods.binarised`).
        labels: for a network conditional on a class, how often each occurs; (k,), not necessarily normalised.

    Raises:
        InputError: in training, pixels are none of the conditional's values, or the model is conditional and a batch
            has no labels.
    """

    log_prob_kind = "exact"
    frequencies: Tensor | None

    def __init__(
        self,
        net: GatedPixelCNN,
        conditional: Conditional,
        event: tuple[int, ...],
        *,
        observe: Callable[[Tensor], Tensor] | None = None,
        labels: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.net, self.conditional, self.event, self.observe = net, conditional, event, observe
        self.register_buffer("frequencies", None if labels is None else normalised(labels))

    @property
    def levels(self) -> int | None:
        """Values that a pixel has: `log_prob` is of pixels rounded to them."""
        return self.conditional.levels

    def updates(self, batch: Batch) -> Iterator[Update]:
        x, labels = batch.x if self.observe is None else self.observe(batch.x), given(self.frequencies, batch.y)
        if self.iteration == 0:  # later it would wait for the device at every step
            self.conditional.check(x)
        x = self.conditional.rounded(x)
        yield self, lambda: {"nll": -log_probs(self.conditional, x, self.net(x, **labels)).mean()}

    def log_prob(self, x: Float[Tensor, "n c h w"], y: Labels = None) -> Float[Tensor, " n"]:
        """Nats of the rounded images, exact; given labels, of log p(x|y). `observe` is not applied.

        Without labels a conditional model sums over its classes.
        """
        return self._rows(x, x.shape[2], y)

    def _rows(self, x: Tensor, rows: int, y: Labels) -> Float[Tensor, " n"]:
        """Nats of the first rows."""
        x = self.conditional.rounded(x[:, :, :rows])
        if y is None and self.frequencies is not None:
            return over_classes(self.frequencies, x, lambda y: self._told(x, y))
        return self._told(x, y)

    def _told(self, x: Tensor, y: Labels) -> Float[Tensor, " n"]:
        with evaluating(self.net):
            return log_probs(self.conditional, x, self.net(x, **given(self.frequencies, y)))  # (1)

    def sample(self, n: int, *, generator: int | Streams | None = None, y: Labels = None) -> Float[Tensor, "n c h w"]:
        """Draw images; of a conditional model the labels too, by their frequencies, unless they are given."""
        device = next(self.net.parameters()).device
        return self.complete(torch.zeros(n, *self.event, device=device), 0, generator=generator, y=y)

    @torch.no_grad()
    def complete(
        self,
        x: Float[Tensor, "n c h w"],
        rows: int,
        *,
        generator: int | Streams | None = None,
        y: Labels = None,
    ) -> Float[Tensor, "n c h w"]:
        """Images whose first `rows` rows are those of `x`, the rest drawn given them.

        A conditional model draws the labels too, given those rows, unless they are given.

        Raises:
            InputError: `x` has not so many rows.
        """
        h, w = x.shape[2:]
        if not 0 <= rows <= h:
            raise InputError(f"rows {rows}: images of {h} rows are completed from 0 to {h} of them")
        source, x = streams(generator), self.conditional.rounded(x).clone()
        if y is None and self.frequencies is not None:
            y = self._class(x[:, :, :rows], source)
        u = source.uniform(len(x), self.conditional.uniforms, h, w, device=x.device)
        with evaluating(self.net):
            drawing = self.net.drawing(len(x), w, **given(self.frequencies, y))
            for i in range(h):
                drawing.row(x[:, :, i - 1] if i else None)
                for j in range(w if i >= rows else 0):
                    outputs = drawing.pixel(x[:, :, i, j - 1] if j else None)
                    x[:, :, i, j] = self.conditional.drawn(outputs, u[:, :, i, j])
        return x

    def _class(self, known: Tensor, source: Streams) -> Int[Tensor, " n"]:
        """Labels given the first rows."""
        assert self.frequencies is not None
        if not known.numel():
            return drawn(self.frequencies, len(known), source, known.device)
        return drawn_each(posterior(self.frequencies, known, lambda y: self._told(known, y)), source)
