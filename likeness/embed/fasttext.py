"""FastText: skip-gram whose words are the sums of their parts, so that words that were never seen have vectors too.

    v_w = Σ_{g ∈ G(w)} z_g,     G(w) the parts of w and w itself                                   (1)
    min  E_{(w, c)} [ −log σ(v'_c · v_w) − k E_{n ~ P} log σ(−v'_n · v_w) ]                        (2)

Piotr Bojanowski, Edouard Grave, Armand Joulin, Tomas Mikolov. Enriching Word Vectors with Subword Information. 2017.
https://arxiv.org/abs/1607.04606
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
from likeness.embed.subwords import parts, table
from likeness.embed.windows import pairs, subsampled
from likeness.errors import InputError


class FastText(Method):
    """Vectors `Z` of parts and of words; batches hold pairs, (n, 2) ids of word and neighbour.

    Args:
        words, counts: the vocabulary.
        d: numbers of a vector.
        buckets: rows that parts are hashed to; two million in the paper, for texts of billions of words.
        low, high: letters of a part, the borders of a word among them.
        given: of `Negatives` (k, noise, block, power).

    Raises:
        InputError: there are no buckets, or a length is none.
    """

    parts: Tensor

    def __init__(
        self,
        words: Sequence[str],
        counts: Sequence[int] | np.ndarray,
        d: int = 100,
        *,
        buckets: int = 50_000,
        low: int = 3,
        high: int = 6,
        **given: Any,
    ) -> None:
        super().__init__()
        if buckets < 1:
            raise InputError(f"buckets {buckets}: give 1 or more")
        self.buckets, self.low, self.high = buckets, low, high
        self.register_buffer("parts", table(words, buckets, low, high))
        self.negatives = Negatives(counts, d, **given)
        self.Z = nn.Embedding(1 + buckets + len(words), d, padding_idx=0)
        nn.init.uniform_(self.Z.weight, -0.5 / d, 0.5 / d)
        nn.init.zeros_(self.Z.weight[0])

    def updates(self, batch: Batch) -> Iterator[Update]:
        drawn = self.negatives.draw(len(batch.x))
        yield self, lambda: self.terms(batch, drawn)

    def terms(self, batch: Batch, drawn: tuple[Tensor, int]) -> Terms:
        """What is minimised; weights (n,) of the pairs may stand in y."""
        w, c = batch.x.unbind(1)
        loss = self.negatives(self.summed(self.parts[w]), c, drawn)  # (2)
        return {"contrast": (loss if batch.y is None else loss * batch.y).mean()}

    def summed(self, rows: Int[Tensor, "n m"]) -> Float[Tensor, "n d"]:
        """The vectors of words whose parts stand in these rows."""
        return embedding_bag(rows, self.Z.weight, mode="sum", padding_idx=0)  # (1)

    @torch.no_grad()
    def vectors(self) -> Float[Tensor, "v d"]:
        """Of all words."""
        return torch.cat([self.summed(rows) for rows in self.parts.split(4096)])

    @torch.no_grad()
    def encode(self, x: Int[Tensor, " n"]) -> Float[Tensor, "n d"]:
        """The vectors of word ids."""
        return self.summed(self.parts[x])

    @torch.no_grad()
    def compose(self, word: str) -> Float[Tensor, " d"]:
        """The vector of a word that need not be in the vocabulary, of its parts alone.

        Raises:
            InputError: it has no part, being shorter than the shortest.
        """
        rows = table([word], self.buckets, self.low, self.high)[:, 1:].to(self.parts.device)
        if not parts(word, self.low, self.high):
            raise InputError(f"{word!r} has no part of {self.low} letters or more: give a longer word")
        return self.summed(rows)[0]


def fit(
    corpus: Corpus,
    *,
    d: int = 100,
    window: int = 5,
    t: float | None = None,
    passes: Passes = PASSES,
    seed: int = 0,
    **given: Any,
) -> tuple[Vectors, FastText]:
    """Vectors of the words of a corpus, and the method, which composes those of other words.

    The arguments are those of `skip_gram.fit` and of `FastText`.
    """
    torch.manual_seed(seed)
    method = FastText(corpus.words.words, corpus.words.counts, d, **given)

    def material(rng: np.random.Generator) -> tuple[np.ndarray, None]:
        return pairs(subsampled(corpus, t, rng), window, rng), None

    learned(method, material, passes, seed)
    return Vectors(corpus.words.words, method.vectors()), method
