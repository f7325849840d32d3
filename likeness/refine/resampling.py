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

from time import perf_counter

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from likeness.errors import InputError
from likeness.findings import Finding
from likeness.refine.ratio import Logit, as_ratio
from likeness.refine.report import Report, Tally, blocks
from likeness.sampling import Sampler, Streams, streams


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
        self.effective = 0.0
        self.tally = Tally()

    def __call__(self, n: int, *, generator: int | Streams | None = None) -> Shaped[Tensor, " n *event"]:
        """Raises InputError where a finite sampler holds fewer than n m samples, or a whole pool has the ratio 0."""
        began = perf_counter()
        with torch.no_grad():
            draws = torch.cat([self._draw(size, s) for size, s in blocks(n, streams(generator), self.pools)])
        self.tally.draws += n
        self.tally.seconds += perf_counter() - began
        return draws

    def _draw(self, n: int, source: Streams) -> Tensor:
        m = self.pool
        x = self.sampler(n * m, generator=source.split("proposals").at(source.first * m))
        d = self.ratio(x).double().reshape(n, m)
        if d.max(1).values.isneginf().any():
            raise InputError(f"the density ratio of all {m} proposals of a draw is 0: use a larger pool")
        gumbel = -source.split("choice").uniform(n, m, device=d.device).double().log().neg().log()
        chosen = (d + gumbel).argmax(1)  # (1)
        self.effective += float(effective_size(d).sum())
        self.tally.proposals += n * m
        self.tally.critic_passes += n * m
        self.tally.decisions += n * m
        self.tally.accepted += n
        return x.reshape(n, m, *x.shape[1:])[torch.arange(n, device=x.device), chosen.to(x.device)]

    def report(self) -> Report:
        """The facts so far; `effective` is the mean effective size of the pools."""
        t = self.tally
        effective = self.effective / max(t.draws, 1)
        found = self.ratio.findings + ((_degenerate(effective, self.pool),) if 0 < effective < 4 else ())
        return Report(
            "resampling", t.draws, t.proposals, t.acceptance_rate, t.critic_passes, t.seconds,
            0, None, {"pool": float(self.pool), "effective": effective}, found,
        )  # fmt: skip


resampling = Resampling  # a verb reads better where samplers are composed


def _degenerate(effective: float, pool: int) -> Finding:
    saw = f"A pool of {pool} is worth {effective:.1f} on average: a few weights decide, and the draws are biased."
    return Finding("degenerate-weights", saw, "Use a larger pool, or train the model longer first.")
