"""Skip-gram: the vector of a word is what tells its neighbours from other words.

    min  E_{(w, c)} [ −log σ(v'_c · v_w) − k E_{n ~ P} log σ(−v'_n · v_w) ]                        (1)

Pairs are of a word and its neighbour in a window; `negatives` holds the loss and its noise. To look up v_w is to
multiply a one-hot vector with the table, so a gradient reaches only the rows that were looked up.

Tomas Mikolov, Ilya Sutskever, Kai Chen, Greg Corrado, Jeffrey Dean. Distributed Representations of Words and Phrases
and their Compositionality. 2013. https://arxiv.org/abs/1310.4546
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from likeness.core import Method, Terms, Update
from likeness.data.batch import Batch
from likeness.data.words import Corpus
from likeness.embed.fitting import PASSES, Passes, learned
from likeness.embed.nearest import Vectors
from likeness.embed.negatives import Negatives
from likeness.embed.windows import pairs, subsampled


class SkipGram(Method):
    """Vectors `W` of words, told from the vectors of `negatives`; batches hold pairs, (n, 2) ids of word and neighbour.

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
        """What is minimised; weights (n,) of the pairs may stand in y."""
        w, c = batch.x.unbind(1)
        loss = self.negatives(self.W(w), c, drawn)  # (1)
        return {"contrast": (loss if batch.y is None else loss * batch.y).mean()}

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
    """Vectors of the words of a corpus.

    Args:
        window: words to either side at most; the reach of each word is drawn.
        t: frequent words are passed over above this frequency, 1e-5 in large texts.
        passes: how often the corpus is gone through, and how fast it is learned from.
    """
    torch.manual_seed(seed)
    method = SkipGram(corpus.words.counts, d, **given)

    def material(rng: np.random.Generator) -> tuple[np.ndarray, None]:
        return pairs(subsampled(corpus, t, rng), window, rng), None

    learned(method, material, passes, seed)
    return Vectors(corpus.words.words, method.vectors())
