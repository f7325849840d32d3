"""A model of sequences, one token given those before it.

    log p(x) = Σ_t log p(x_t | x_1 … x_{t−1})                                         (1)

The first token is given a token of its own, the beginning, so (1) is the exact probability of a whole window. Windows
of a text are what back-propagation through time is truncated to: no state is carried from one to the next.

Ilya Sutskever, James Martens, Geoffrey Hinton. Generating Text with Recurrent Neural Networks. 2011.
https://icml.cc/2011/papers/524_icmlpaper.pdf
Alex Graves. Generating Sequences With Recurrent Neural Networks. 2013. https://arxiv.org/abs/1308.0850
"""

from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from likeness.core import Method, Update
from likeness.data.batch import Batch
from likeness.errors import InputError
from likeness.language.generate import Filter, generated
from likeness.nn.modes import evaluating
from likeness.sampling import Streams, streams


class LanguageModel(Method):
    """Windows (n, length) of token ids under a token network (`LSTM`, `Transformer`).

    Raises:
        InputError: in `log_prob` and in training, an id is none of the vocabulary's.
    """

    log_prob_kind = "exact"

    def __init__(self, network: nn.Module, length: int) -> None:
        super().__init__()
        self.network: Any = network
        self.length = length

    def updates(self, batch: Batch) -> Iterator[Update]:
        if self.iteration == 0:
            self._check(batch.x)
        yield self, lambda: {"nats_per_token": -self.nats(batch.x).mean()}

    def nats(self, x: Shaped[Tensor, "n t"]) -> Float[Tensor, "n t"]:
        """log p(x_t | x_1 … x_{t−1}) of every token."""
        x = x.long()
        begin = torch.full_like(x[:, :1], self.network.vocabulary)
        logits = self.network(torch.cat((begin, x[:, :-1]), 1))
        return logits.log_softmax(2).gather(2, x[:, :, None])[:, :, 0]

    @torch.no_grad()
    def log_prob(self, x: Shaped[Tensor, "n t"]) -> Float[Tensor, " n"]:
        """Nats of whole windows, in evaluation mode."""
        self._check(x)
        with evaluating(self.network):
            return self.nats(x).sum(1)  # (1)

    def sample(
        self,
        n: int,
        *,
        generator: int | Streams | None = None,
        prompt: Int[Tensor, " p"] | None = None,
        length: int | None = None,
        through: Filter = lambda logits: logits,
        cached: bool = True,
    ) -> Int[Tensor, "n t"]:
        """Sequences; those of the model itself unless logits are sent `through` something, or follow a prompt."""
        device = next(self.network.parameters()).device
        how: dict[str, Any] = {"prompt": prompt, "through": through, "device": device, "cached": cached}
        with evaluating(self.network):
            return generated(self.network, n, length or self.length, streams(generator), **how)

    def _check(self, x: Tensor) -> None:
        low, high, v = int(x.min()), int(x.max()), self.network.vocabulary
        if low < 0 or high >= v:
            raise InputError(f"token {low if low < 0 else high}: ids of this model are 0 … {v - 1}; encode by its own")
