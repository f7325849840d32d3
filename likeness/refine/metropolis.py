"""Metropolis–Hastings over a sampler's draws (MH-GAN): one draw is the end of one chain, started at a real sample.

The chain proposes independent draws x' of the model and moves to one with probability

    α(x', x) = min(1, r(x') / r(x)),    r = p_data / p_model             (1)

so its stationary distribution is p_data without a maximum of r being known: with a discriminator in logits,
log α = min(0, D̃(x') − D̃(x)), the paper's min(1, (1/D(x) − 1) / (1/D(x') − 1)). After K proposals the distance
from p_data is at most (1 − 1/M)^K in total variation, M = sup r. A chain that has never moved would hand out the real
sample it began at; as in the paper, it is run again from its first proposal instead.

Ryan Turner, Jane Hung, Eric Frank, Yunus Saatci, Jason Yosinski. Metropolis-Hastings Generative Adversarial
Networks. 2019. https://arxiv.org/abs/1811.11357
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from likeness.errors import InputError
from likeness.findings import Finding
from likeness.refine.pools import pick, propose
from likeness.refine.ratio import Logit, as_ratio
from likeness.refine.report import Report, Tally, in_blocks
from likeness.sampling import Ask, Sampler, Streams, agreed


def run_chains(
    start: Float[Tensor, " n"], d: Float[Tensor, "n K"], log_u: Float[Tensor, "n K"]
) -> tuple[Int[Tensor, " n"], Bool[Tensor, "n K"]]:
    """Where each chain is at the end, as the place of its proposal (−1: where it began), and the moves it made.

    `start` and `d` are the log ratios of the first state and of the K proposals; `log_u` the logarithms of uniforms.
    """
    here, now = torch.full_like(start, -1, dtype=torch.long), start
    moves = torch.zeros_like(d, dtype=torch.bool)
    for k in range(d.shape[1]):
        moves[:, k] = log_u[:, k] < d[:, k] - now  # (1)
        now = torch.where(moves[:, k], d[:, k], now)
        here = torch.where(moves[:, k], k, here)
    return here, moves


class MetropolisHastings:
    """The sampler whose draw i ends a chain that proposes the samples i K … i K + K − 1 of `sampler`.

    Args:
        real: real samples (m, *event), from which the ratio has not learned, to start the chains at.
        steps: K ≥ 1 proposals a draw; the paper takes 640, which a user of a large generator can seldom afford.
        block: how many proposals are held in memory at a time; it does not change the draws.
    """

    def __init__(
        self, sampler: Sampler, log_ratio: Logit, real: Tensor, *, steps: int = 100, block: int = 4096
    ) -> None:
        if steps < 1:
            raise InputError(f"steps={steps}: a chain needs 1 proposal or more")
        if len(real) < 1:
            raise InputError("no real samples to start the chains from: give one or more")
        self.sampler, self.ratio, self.real, self.steps = sampler, as_ratio(log_ratio), real, steps
        self.chains = max(1, block // steps)
        self.stuck, self.tally = 0, Tally()

    def __call__(self, n: int, *, generator: int | Streams | None = None) -> Shaped[Tensor, " n *event"]:
        """Raises InputError where fewer than n K samples are on file, or a ratio is NaN, +∞, or 0 at a start."""
        return self.several([(n, agreed(generator))])[0]

    def several(self, parts: Sequence[Ask]) -> list[Tensor]:
        """The draws of each part; processes share them out."""
        return in_blocks(self._draw, self._count, parts, self.chains, self.tally)

    def _draw(self, n: int, source: Streams) -> tuple[Tensor, tuple[int, int, int]]:
        begin = source.split("start").integers(n, len(self.real), device=self.real.device)
        start = self.ratio(self.real[begin]).double()
        if start.isneginf().any():
            raise InputError("the density ratio of a real sample is 0: chains cannot start there")
        x, d = propose(self.sampler, self.ratio, n, self.steps, source)
        u, again = (source.split(name).uniform(n, self.steps, device=d.device).double() for name in ("accept", "again"))
        here, moves = run_chains(start.to(d.device), d, u.log())
        restarted, _ = run_chains(d[:, 0], d, again.log())
        stuck = here < 0
        return pick(x, torch.where(stuck, restarted, here)), (n, int(moves.sum()), int(stuck.sum()))

    def _count(self, counts: tuple[int, int, int]) -> None:
        n, moves, stuck = counts
        self.stuck += stuck
        self.tally.count(n * self.steps, moves)
        self.tally.critic_passes += n

    def report(self) -> Report:
        """The facts so far; `stuck` is the share of the chains that never moved, `moves` the mean moves of a chain."""
        facts = self.tally.report("metropolis-hastings", {}, self.ratio.findings)
        stuck = self.stuck / max(facts.draws, 1)
        found = facts.findings + ((_unmixed(stuck, self.steps),) if stuck > 0.01 else ())
        moves = facts.acceptance_rate * self.steps
        return facts._replace(facts={"steps": self.steps, "stuck": stuck, "moves": moves}, findings=found)


metropolis_hastings = MetropolisHastings  # a verb reads better where samplers are composed


def _unmixed(stuck: float, steps: int) -> Finding:
    saw = f"{100 * stuck:.1f} % of the chains never moved in {steps} steps: the draws are not yet those of the target."
    return Finding("unmixed-chain", saw, "Use more steps, a calibrated ratio, or train the model longer.")
