"""Negative sampling: a vector is told from noise which word belongs to it, instead of from all words which one.

    −log σ(v'_c · h) − k E_{n ~ P}[log σ(−v'_n · h)],     P(n) ∝ U(n)^{3/4}                       (1)
    at the optimum of unbounded vectors   v'_c · h_w = log( #(w,c) / (k #(w) P(c)) )               (2)

h is a vector of what is given: of a word in skip-gram, the mean of the neighbours in CBOW, the sum of parts in
FastText. U are the counts of words. The mean over noise is taken over `noise` words that a block of neighbouring pairs
shares, each weighing k/noise: its expectation is that of k words for every pair, it has the smaller variance where
noise is above k, and it is a product of matrices. (2) is what PPMI takes from counts.

Tomas Mikolov, Ilya Sutskever, Kai Chen, Greg Corrado, Jeffrey Dean. Distributed Representations of Words and Phrases
and their Compositionality. 2013. https://arxiv.org/abs/1310.4546
(2) Omer Levy, Yoav Goldberg. Neural Word Embedding as Implicit Matrix Factorization. 2014.
    https://proceedings.neurips.cc/paper/2014/hash/feab05aa91085b7a8012516bc3533958-Abstract.html
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import embedding, pad, softplus

from likeness.errors import InputError
from likeness.ranks import per_sample, whole_batch


def law(counts: Sequence[int] | np.ndarray, power: float = 0.75) -> Float[Tensor, " v"]:
    """P of every word, float64.

    Raises:
        InputError: fewer than two words have a count.
    """
    U = torch.as_tensor(np.asarray(counts), dtype=torch.float64)
    if int((U > 0).sum()) < 2:
        raise InputError(f"{int((U > 0).sum())} of {len(U)} words have a count: negative sampling needs two or more")
    weight = torch.where(U > 0, U.clamp(min=1e-300) ** power, torch.zeros_like(U))
    return weight / weight.sum()


def optimum(X: Float[Tensor, "v v"], P: Float[Tensor, " v"], k: int) -> Float[Tensor, "v v"]:
    """What every product of vectors tends to for counts X of pairs; −∞ where a pair never stands."""
    return (X / (k * X.sum(1, keepdim=True) * P)).log()  # (2)


class Negatives(nn.Module):
    """The vectors v' (v, d) of words as neighbours, and the noise they are told from.

    Args:
        counts: of the words.
        k: words of noise for one pair; 5 to 20 for small data, 2 to 5 for large.
        noise: words of noise that a block shares.
        block: pairs that share them; 1 with noise = k is the paper's own.

    Raises:
        InputError: a number is below one, or fewer than two words have a count.
    """

    cdf: Tensor

    def __init__(
        self,
        counts: Sequence[int] | np.ndarray,
        d: int,
        *,
        k: int = 5,
        noise: int | None = None,
        block: int = 128,
        power: float = 0.75,
    ) -> None:
        super().__init__()
        noise = noise or (k if block == 1 else max(16, k))
        for name, value in (("d", d), ("k", k), ("noise", noise), ("block", block)):
            if value < 1:
                raise InputError(f"{name} {value}: give 1 or more")
        self.k, self.noise, self.block = k, noise, block
        self.vectors = nn.Parameter(torch.zeros(len(counts), d))
        self.register_buffer("cdf", law(counts, power).cumsum(0))

    def draw(self, n: int) -> tuple[Int[Tensor, "g m"], int]:
        """Words of noise for the blocks that n pairs of this part touch, and how many pairs of the first are not here.

        Blocks are of the whole batch, so that a pair has the same noise however the batch is cut.
        """
        whole = whole_batch(n)
        blocks = -(-whole // self.block)
        first = int(per_sample(n, torch.arange)[0]) if n < whole else 0
        u = torch.rand(blocks, self.noise, dtype=torch.float64, device=self.cdf.device) * self.cdf[-1]
        words = torch.searchsorted(self.cdf, u, right=True).clamp(max=len(self.cdf) - 1)
        return words[first // self.block : (first + n - 1) // self.block + 1], first % self.block

    def forward(
        self, h: Float[Tensor, "n d"], c: Int[Tensor, " n"], drawn: tuple[Int[Tensor, "g m"], int]
    ) -> Float[Tensor, " n"]:
        """The loss of each pair of a vector and its word, in nats."""
        words, before = drawn
        n, (blocks, m) = len(h), words.shape
        after = blocks * self.block - before - n
        right, wrong = embedding(torch.cat((c, words.flatten())), self.vectors).split((n, blocks * m))
        H = pad(h, (0, 0, before, after)) if before or after else h
        scores = torch.bmm(H.view(blocks, self.block, -1), wrong.view(blocks, m, -1).mT).flatten(0, 1)
        off = softplus(scores).sum(1)[before : before + n]
        return softplus(-(h * right).sum(1)) + self.k / m * off  # (1)
