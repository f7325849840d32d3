"""Documents as counts of words: the bag of words, and counts weighed by how few documents have the word.

    TF(t, d) = count(t, d)/|d|,     IDF(t) = ln(N/n_t),     TF-IDF = TF · IDF                      (1)

N documents, n_t of which have the word. A word that all of them have weighs nothing. (scikit-learn's default adds one
to both counts and scales each row to length one.)

Karen Spärck Jones. A Statistical Interpretation of Term Specificity and its Application in Retrieval. 1972.
https://doi.org/10.1108/eb026526
Gerard Salton, Christopher Buckley. Term-Weighting Approaches in Automatic Text Retrieval. 1988.
https://doi.org/10.1016/0306-4573(88)90021-0
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from likeness.data.words import words_of
from likeness.errors import InputError


def bag_of_words(documents: Sequence[str]) -> tuple[tuple[str, ...], Float[Tensor, "n v"]]:
    """The words in the order in which they first come up, and how often each document has each.

    Raises:
        InputError: a document has no word.
    """
    split = [words_of(text) for text in documents]
    for i, found in enumerate(split):
        if not found:
            raise InputError(f"document {i} has no word: leave it out")
    words = tuple(dict.fromkeys(word for found in split for word in found))
    place = {word: i for i, word in enumerate(words)}
    rows = [np.bincount([place[w] for w in found], minlength=len(words)) for found in split]
    return words, torch.from_numpy(np.stack(rows)).float()


def tf_idf(counts: Float[Tensor, "n v"]) -> Float[Tensor, "n v"]:
    """Of counts; the logarithm is the natural one.

    Raises:
        InputError: a document is empty, or a word stands in none.
    """
    length, having = counts.sum(1, keepdim=True), (counts > 0).sum(0)
    if not (length > 0).all() or not (having > 0).all():
        raise InputError("an empty document, or a word that stands in none: leave it out")
    return counts / length * (len(counts) / having).log()  # (1)
