"""GloVe: vectors whose products are the logarithms of how often words stand together.

    J = Σ_ij f(X_ij) (w_i · w̃_j + b_i + b̃_j − ln X_ij)²                                            (1)
    f(x) = min(1, (x/x_max)^{3/4})                                                                  (2)
    the vector of a word is  w_i + w̃_i                                                              (3)

X counts co-occurrence in a window to both sides, weighed by 1/distance (`windows.cooccurrence`); the sum is over
counts above zero. What never stands together is unknown to it: where only that tells words apart, it fails. Ratios of
probabilities of co-occurrence tell what words have to do with each other, as
P(solid|ice)/P(solid|steam) = 8.9 does.

Jeffrey Pennington, Richard Socher, Christopher Manning. GloVe: Global Vectors for Word Representation. 2014.
https://aclanthology.org/D14-1162
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.optim import Adagrad

from likeness.core import Method, Update
from likeness.data.batch import Batch
from likeness.data.words import Corpus
from likeness.embed.fitting import Passes, learned
from likeness.embed.nearest import Vectors
from likeness.embed.windows import cooccurrence
from likeness.errors import InputError

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


PASSES = Passes(epochs=25, batch_size=1024, lr=0.05)


class GloVe(Method):
    """Tables of `v` words; batches hold (n, 2) ids of words and their counts y (n,), all above zero.

    Raises:
        InputError: x_max or a size is not above zero.
    """

    def __init__(self, v: int, d: int = 100, *, x_max: float = 100.0, power: float = 0.75) -> None:
        super().__init__()
        if v < 2 or d < 1 or not x_max > 0:
            raise InputError(f"{v} words, {d} numbers, x_max {x_max:g}: give 2 words or more and numbers above zero")
        self.x_max, self.power = x_max, power
        self.W, self.C = nn.Embedding(v, d), nn.Embedding(v, d)
        self.b, self.c = nn.Embedding(v, 1), nn.Embedding(v, 1)
        for table in (self.W, self.C, self.b, self.c):
            nn.init.uniform_(table.weight, -0.5 / d, 0.5 / d)

    def updates(self, batch: Batch) -> Iterator[Update]:
        assert batch.y is not None
        X = batch.y
        yield self, lambda: {"glove": self.loss(batch.x, X).mean()}

    def loss(self, x: Int[Tensor, "n 2"], X: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        """f(X) times the squared error of each count."""
        i, j = x.unbind(1)
        off = (self.W(i) * self.C(j)).sum(1) + self.b(i)[:, 0] + self.c(j)[:, 0] - X.log()
        return self.weight(X) * off.square()  # (1)

    def weight(self, X: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        return (X / self.x_max).pow(self.power).clamp(max=1)  # (2)

    @torch.no_grad()
    def vectors(self) -> Float[Tensor, "v d"]:
        """Of all words."""
        return self.W.weight + self.C.weight  # (3)

    @torch.no_grad()
    def encode(self, x: Int[Tensor, " n"]) -> Float[Tensor, "n d"]:
        """The vectors of word ids."""
        return self.vectors()[x]


def cells(X: "csr_matrix") -> tuple[np.ndarray, np.ndarray]:
    """The counts above zero: ids (n, 2) and counts (n,).

    Raises:
        InputError: there is none.
    """
    found = X.tocoo()
    there = found.data > 0
    if not there.any():
        raise InputError("no two words stand together: give longer texts, or a wider window")
    return np.stack((found.row, found.col), 1).astype(np.int64)[there], found.data[there]


def ratios(P: Float[Tensor, "2 n"]) -> Float[Tensor, " n"]:
    """P(k|first) / P(k|second) of each probe word k: far from one where it has to do with one of the two alone."""
    return P[0] / P[1]


def fit(
    corpus: Corpus,
    *,
    d: int = 100,
    window: int = 10,
    x_max: float = 100.0,
    passes: Passes = PASSES,
    seed: int = 0,
) -> Vectors:
    """Vectors of the words of a corpus; every pass goes through all its counts once."""
    torch.manual_seed(seed)
    method = GloVe(len(corpus.words), d, x_max=x_max)
    counts = cells(cooccurrence(corpus, window))
    learned(method, lambda rng: counts, passes, seed, Adagrad)
    return Vectors(corpus.words.words, method.vectors())
