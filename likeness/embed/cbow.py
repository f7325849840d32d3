"""CBOW, a continuous bag of words: the mean of its neighbours' vectors tells a word from others.

    h = 1/|C| Σ_{j ∈ C} v_j                                                                        (1)
    min  E_{(w, C)} [ −log σ(v'_w · h) − k E_{n ~ P} log σ(−v'_n · h) ]                            (2)

C are the neighbours of w in a window, in no order. One loss for a whole window makes it quicker than skip-gram, which
has one for each neighbour.

Tomas Mikolov, Kai Chen, Greg Corrado, Jeffrey Dean. Efficient Estimation of Word Representations in Vector Space. 2013.
https://arxiv.org/abs/1301.3781
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import embedding_bag

from likeness.core import Method, Terms, Update
from likeness.data.batch import Batch
from likeness.data.words import Corpus
from likeness.embed.fitting import PASSES, Passes, learned
from likeness.embed.nearest import Vectors
from likeness.embed.negatives import Negatives
from likeness.embed.windows import contexts, subsampled


class CBOW(Method):
    """Vectors `W` of words as neighbours; batches hold (n, 1 + m) ids: a word and its neighbours, −1 where none is.

    Args:
        counts: of the words, by their ids.
        d: numbers of a vector.
        given: of `Negatives` (k, noise, block, power).
    """

    def __init__(self, counts: Sequence[int] | np.ndarray, d: int = 100, **given: Any) -> None:
        super().__init__()
        self.negatives = Negatives(counts, d, **given)
        self.W = nn.Embedding(len(counts), d)
        nn.init.uniform_(self.W.weight, -0.5 / d, 0.5 / d)

    def updates(self, batch: Batch) -> Iterator[Update]:
        drawn = self.negatives.draw(len(batch.x))
        yield self, lambda: self.terms(batch, drawn)

    def terms(self, batch: Batch, drawn: tuple[Tensor, int]) -> Terms:
        """What is minimised; weights (n,) of the words may stand in y."""
        loss = self.negatives(self.mean(batch.x[:, 1:]), batch.x[:, 0], drawn)  # (2)
        return {"contrast": (loss if batch.y is None else loss * batch.y).mean()}

    def mean(self, C: Int[Tensor, "n m"]) -> Float[Tensor, "n d"]:
        """Of the vectors of the neighbours that are there; zero where none is."""
        there = (C >= 0).float()
        weights = there / there.sum(1, keepdim=True).clamp(min=1)
        return embedding_bag(C.clamp(min=0), self.W.weight, mode="sum", per_sample_weights=weights)  # (1)

    @torch.no_grad()
    def vectors(self) -> Float[Tensor, "v d"]:
        """Of all words."""
        return self.W.weight.clone()

    @torch.no_grad()
    def encode(self, x: Int[Tensor, " n"]) -> Float[Tensor, "n d"]:
        """The vectors of word ids."""
        return self.W(x)


def fit(
    corpus: Corpus,
    *,
    d: int = 100,
    window: int = 5,
    t: float | None = None,
    passes: Passes = PASSES,
    seed: int = 0,
    **given: Any,
) -> Vectors:
    """Vectors of the words of a corpus; the arguments are those of `skip_gram.fit`."""
    torch.manual_seed(seed)
    method = CBOW(corpus.words.counts, d, **given)

    def material(rng: np.random.Generator) -> tuple[np.ndarray, None]:
        return contexts(subsampled(corpus, t, rng), window, rng), None

    learned(method, material, passes, seed)
    return Vectors(corpus.words.words, method.vectors())
