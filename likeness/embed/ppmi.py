"""PPMI and a singular value decomposition: vectors of words from counts, with nothing to train.

    M_wc = max(0, log( #(w,c) / (#(w) P(c)) ) − log k),     P(c) ∝ #(c)^α                          (1)
    M ≈ U_d Σ_d V_dᵀ,     W = U_d Σ_d^p                                                             (2)

What skip-gram with negative sampling factorises implicitly is this matrix without the max. Shifting by log k, context
counts smoothed by α = 3/4 and p = 1/2 are its habits carried over; p = 0 leaves the singular values out.

Omer Levy, Yoav Goldberg, Ido Dagan. Improving Distributional Similarity with Lessons Learned from Word
Embeddings. 2015. https://aclanthology.org/Q15-1016
"""

from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from likeness.data.words import Corpus
from likeness.embed.nearest import Vectors
from likeness.embed.windows import cooccurrence
from likeness.errors import InputError

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


def ppmi(X: "csr_matrix", *, k: float = 1.0, alpha: float = 0.75) -> "csr_matrix":
    """M (v, v), sparse, for counts X (v, v) of word and neighbour, in nats.

    Raises:
        InputError: no count is above zero, or k is below one.
    """
    from scipy.sparse import coo_matrix

    if k < 1:
        raise InputError(f"k {k:g}: the shift is by log k, of 1 or more")
    found = X.tocoo()
    if not found.data.sum() > 0:
        raise InputError("no two words stand together: give longer texts, or a wider window")
    words, near = np.asarray(X.sum(1)).ravel(), np.asarray(X.sum(0)).ravel() ** alpha
    expected = words[found.row] * near[found.col] / near.sum()
    M = np.log(found.data / expected) - np.log(k)  # (1)
    above = M > 0
    return coo_matrix((M[above], (found.row[above], found.col[above])), X.shape).tocsr()


def factors(M: "csr_matrix", d: int, *, p: float = 0.5, seed: int = 0) -> Float[Tensor, "v d"]:
    """W of (2), the largest singular values first; the sign of a column is that of its largest entry.

    Raises:
        InputError: d is not below the number of words.
    """
    from scipy.sparse.linalg import svds

    if not 1 <= d < min(M.shape):
        raise InputError(f"d {d} of {min(M.shape)} words: give 1 to {min(M.shape) - 1}")
    U, S, _ = svds(M.astype(np.float64), d, rng=np.random.default_rng(seed))
    order = np.argsort(-S)
    U, S = U[:, order], S[order]
    U = U * np.where(U[np.abs(U).argmax(0), np.arange(d)] < 0, -1.0, 1.0)
    return torch.from_numpy(np.ascontiguousarray(U * S**p)).float()  # (2)


def fit(
    corpus: Corpus, *, d: int = 100, window: int = 5, near: bool = False, k: float = 1.0, p: float = 0.5
) -> Vectors:
    """Vectors of the words of a corpus; `near` weighs neighbours by 1/distance."""
    return Vectors(corpus.words.words, factors(ppmi(cooccurrence(corpus, window, near=near), k=k), d, p=p))
