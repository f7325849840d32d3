"""What stands near what in a text: pairs, contexts and counts of co-occurrence, and which words are passed over.

    a word w of frequency f(w) is passed over with probability  1 − √(t/f(w))                      (1)
    the reach r of each word is uniform on 1 … R; its neighbours stand at most r words away        (2)
    X_ij = Σ 1/distance  over all places of word j within R words of word i                        (3)

A context window that is drawn anew for each word (2) weighs near words more. No window reaches over the end of a text.

Tomas Mikolov, Ilya Sutskever, Kai Chen, Greg Corrado, Jeffrey Dean. Distributed Representations of Words and Phrases
and their Compositionality. 2013. https://arxiv.org/abs/1310.4546
(3) Jeffrey Pennington, Richard Socher, Christopher Manning. GloVe: Global Vectors for Word Representation. 2014.
    https://aclanthology.org/D14-1162
"""

from typing import TYPE_CHECKING

import numpy as np

from likeness.data.words import Corpus
from likeness.errors import InputError

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


def frequent(counts: np.ndarray, t: float = 1e-5) -> np.ndarray:
    """The probability with which each word is passed over: 0 for those whose frequency is t or less.

    Raises:
        InputError: t is not above zero.
    """
    if not t > 0:
        raise InputError(f"a threshold of {t:g} for frequent words: give one above zero, or leave it out")
    f = np.maximum(counts, 1) / counts.sum()
    return np.clip(1 - np.sqrt(t / f), 0, None)  # (1)


def subsampled(corpus: Corpus, t: float | None, rng: np.random.Generator) -> Corpus:
    """The corpus without the places that are passed over; all of it where t is None."""
    if t is None:
        return corpus
    kept = rng.random(len(corpus.ids)) >= frequent(corpus.words.counts, t)[corpus.ids]
    return Corpus(corpus.words, corpus.ids[kept], corpus.text[kept])


def pairs(corpus: Corpus, window: int, rng: np.random.Generator | None = None) -> np.ndarray:
    """Every pair (word, neighbour), (n, 2) int64, within reaches that are drawn, or of `window` all where nothing is.

    Raises:
        InputError: the window is below one, or reaches no word.
    """
    reach = _reach(corpus, window, rng)
    found = []
    for apart in range(1, window + 1):
        left, right, same = _beside(corpus, apart)
        near, far = same & (reach[:-apart] >= apart), same & (reach[apart:] >= apart)
        found += [np.stack((left[near], right[near]), 1), np.stack((right[far], left[far]), 1)]
    made = np.concatenate(found)
    if not len(made):
        raise InputError("no text has two words that are left: give longer texts, or a lower minimum count")
    return made


def contexts(corpus: Corpus, window: int, rng: np.random.Generator | None = None) -> np.ndarray:
    """Every word with its neighbours, (n, 1 + 2 window) int64: the word, then its neighbours, −1 where there is none.

    Raises:
        InputError: as `pairs` does.
    """
    reach, n = _reach(corpus, window, rng), len(corpus.ids)
    made = np.full((n, 1 + 2 * window), -1, np.int64)
    made[:, 0] = corpus.ids
    for apart in range(1, window + 1):
        left, right, same = _beside(corpus, apart)
        near, far = same & (reach[:-apart] >= apart), same & (reach[apart:] >= apart)
        made[:-apart, 2 * apart - 1][near] = right[near]
        made[apart:, 2 * apart][far] = left[far]
    made = made[(made[:, 1:] >= 0).any(1)]
    if not len(made):
        raise InputError("no text has two words that are left: give longer texts, or a lower minimum count")
    return made


def cooccurrence(corpus: Corpus, window: int = 10, *, near: bool = True) -> "csr_matrix":
    """X (v, v), symmetric and sparse, float64; `near` weighs by 1/distance, else every neighbour counts one.

    Raises:
        InputError: as `pairs` does.
    """
    from scipy.sparse import coo_matrix

    _reach(corpus, window, None)
    v = len(corpus.words)
    total = coo_matrix((v, v)).tocsr()
    for apart in range(1, window + 1):
        left, right, same = _beside(corpus, apart)
        weight = np.full(int(same.sum()), 1 / apart if near else 1.0)
        total = total + coo_matrix((weight, (left[same], right[same])), (v, v)).tocsr()
    return (total + total.T).tocsr()  # (3)


def _reach(corpus: Corpus, window: int, rng: np.random.Generator | None) -> np.ndarray:
    """How far each place looks."""
    if window < 1:
        raise InputError(f"a window of {window} words: give 1 or more")
    n = len(corpus.ids)
    longest = int(np.bincount(corpus.text).max()) if n else 0
    if window >= max(longest, 2):
        raise InputError(
            f"a window of {window} words and no text longer than {longest}: use a smaller window, or longer texts"
        )
    return np.full(n, window) if rng is None else rng.integers(1, window + 1, n)  # (2)


def _beside(corpus: Corpus, apart: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The words of places so far apart, and whether both are of one text."""
    return corpus.ids[:-apart], corpus.ids[apart:], corpus.text[:-apart] == corpus.text[apart:]
