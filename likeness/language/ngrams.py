"""The baselines of every model of text: frequencies of tokens given the k before them, smoothed.

    p(v | context) = (count(context, v) + α) / (count(context) + α V)                 (1)

k = 0 is the unigram, 1 the bigram, 2 the trigram; the first tokens of a text are not scored, as they have no context.

Stanley F. Chen, Joshua Goodman. An Empirical Study of Smoothing Techniques for Language Modeling. 1998.
https://dash.harvard.edu/handle/1/25104739
"""

import numpy as np
from jaxtyping import Int
from torch import Tensor

SMOOTHING = 0.05


def bits(
    train: Int[Tensor, " m"], text: Int[Tensor, " n"], vocabulary: int, k: int, *, alpha: float = SMOOTHING
) -> float:
    """Mean bits of a token of `text` under the frequencies of `train`, given the k before it."""
    context, token = _places(train, vocabulary, k)
    asked, wanted = _places(text, vocabulary, k)
    whole = _counted(context, asked)
    both = _counted(context * vocabulary + token, asked * vocabulary + wanted)
    return float(-np.log2((both + alpha) / (whole + alpha * vocabulary)).mean())  # (1)


def baselines(train: Int[Tensor, " m"], text: Int[Tensor, " n"], vocabulary: int) -> dict[str, float]:
    """Bits of a token under uniform, unigram, bigram and trigram models."""
    names = ("unigram", "bigram", "trigram")
    return {"uniform": float(np.log2(vocabulary))} | {n: bits(train, text, vocabulary, k) for k, n in enumerate(names)}


def _places(x: Tensor, vocabulary: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    ids, m = x.numpy(), len(x) - k
    context = np.zeros(m, dtype=np.int64)
    for i in range(k):
        context = context * vocabulary + ids[i : i + m]
    return context, ids[k:]


def _counted(known: np.ndarray, asked: np.ndarray) -> np.ndarray:
    values, counts = np.unique(known, return_counts=True)
    place = np.searchsorted(values, asked).clip(max=len(values) - 1)
    return np.where(values[place] == asked, counts[place], 0)
