"""Sampling-importance-resampling: each draw is chosen from a pool of proposals of its own, by their density ratios.

Of the m proposals in its pool, draw i is the j-th with probability

    w_j = r(x_j) / Σ_k r(x_k),    r = p_data / p_model                   (1)

which tends to p_data as m grows (the bias falls as 1/m). The choice is the largest of log r(x_j) + G_j with G_j
standard Gumbel noise. How far a pool carries shows in its effective size,

    ESS = (Σ r)² / Σ r²                                                  (2)

Pools of their own make the draws independent, and the same however they are batched; a pool shared by all draws
would hand out the best proposals again and again.

Donald B. Rubin. The Calculation of Posterior Distributions by Data Augmentation: Comment. 1987.
https://doi.org/10.2307/2289460
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from likeness.errors import InputError
from likeness.findings import Finding
from likeness.refine.pools import pick, propose
from likeness.refine.ratio import Logit, as_ratio
from likeness.refine.report import Report, Tally, in_blocks
from likeness.sampling import Ask, Sampler, Streams, agreed


def effective_size(d: Float[Tensor, "n m"]) -> Float[Tensor, " n"]:
    """The effective size of each pool with log ratios `d`: between 1 and m."""
    return torch.exp(2 * d.logsumexp(1) - (2 * d).logsumexp(1))  # (2)


class Resampling:
    """The sampler whose draw i is chosen among the samples i m … i m + m − 1 of `sampler`.

    Args:
        pool: m ≥ 2 proposals a draw.
        block: how many proposals are held in memory at a time; it does not change the draws.
    """

    def __init__(self, sampler: Sampler, log_ratio: Logit, *, pool: int = 32, block: int = 4096) -> None:
        if pool < 2:
            raise InputError(f"pool={pool}: a choice needs 2 proposals or more")
        self.sampler, self.ratio, self.pool = sampler, as_ratio(log_ratio), pool
        self.pools = max(1, block // pool)
        self.effective, self.tally = 0.0, Tally()

    def __call__(self, n: int, *, generator: int | Streams | None = None) -> Shaped[Tensor, " n *event"]:
        """Raises InputError where a finite sampler holds fewer than n m samples, or a whole pool has the ratio 0."""
        return self.several([(n, agreed(generator))])[0]

    def several(self, parts: Sequence[Ask]) -> list[Tensor]:
        """The draws of each part; processes share them out."""
        return in_blocks(self._draw, self._count, parts, self.pools, self.tally)

    def _draw(self, n: int, source: Streams) -> tuple[Tensor, tuple[int, float]]:
        x, d = propose(self.sampler, self.ratio, n, self.pool, source)
        if d.max(1).values.isneginf().any():
            raise InputError(f"the density ratio of all {self.pool} proposals of a draw is 0: use a larger pool")
        gumbel = -source.split("choice").uniform(n, self.pool, device=d.device).double().log().neg().log()
        return pick(x, (d + gumbel).argmax(1)), (n, float(effective_size(d).sum()))  # (1)

    def _count(self, counts: tuple[int, float]) -> None:
        n, effective = counts
        self.effective += effective
        self.tally.count(n * self.pool, n)

    def report(self) -> Report:
        """The facts so far; `effective` is the mean effective size of the pools."""
        effective = self.effective / max(self.tally.draws, 1)
        found = self.ratio.findings + ((_degenerate(effective, self.pool),) if 0 < effective < 4 else ())
        return self.tally.report("resampling", {"pool": self.pool, "effective": effective}, found)


resampling = Resampling  # a verb reads better where samplers are composed


def _degenerate(effective: float, pool: int) -> Finding:
    saw = f"A pool of {pool} is worth {effective:.1f} on average: a few weights decide, and the draws are biased."
    return Finding("degenerate-weights", saw, "Use a larger pool, or train the model longer first.")
