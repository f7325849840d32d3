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

from time import perf_counter

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from likeness.errors import InputError
from likeness.findings import Finding
from likeness.refine.ratio import Logit, as_ratio
from likeness.refine.report import Report, Tally, blocks
from likeness.sampling import Sampler, Streams, streams


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

    Raises:
        InputError: the density ratio of a real sample is NaN, infinite or 0.
    """

    def __init__(
        self, sampler: Sampler, log_ratio: Logit, real: Tensor, *, steps: int = 100, block: int = 4096
    ) -> None:
        if steps < 1:
            raise InputError(f"steps={steps}: a chain needs 1 proposal or more")
        if len(real) < 1:
            raise InputError("no real samples to start the chains from: give one or more")
        self.sampler, self.ratio, self.steps = sampler, as_ratio(log_ratio), steps
        self.chains = max(1, block // steps)
        self.start = self.ratio(real).double()
        if self.start.isneginf().any():
            raise InputError("the density ratio of a real sample is 0: chains cannot start there")
        self.stuck = 0
        self.tally = Tally(critic_passes=len(real))

    def __call__(self, n: int, *, generator: int | Streams | None = None) -> Shaped[Tensor, " n *event"]:
        """Raises InputError where a finite sampler holds fewer than n K samples."""
        began = perf_counter()
        with torch.no_grad():
            draws = torch.cat([self._draw(size, s) for size, s in blocks(n, streams(generator), self.chains)])
        self.tally.draws += n
        self.tally.seconds += perf_counter() - began
        return draws

    def _draw(self, n: int, source: Streams) -> Tensor:
        K = self.steps
        x = self.sampler(n * K, generator=source.split("proposals").at(source.first * K))
        d = self.ratio(x).double().reshape(n, K)
        start = self.start[source.split("start").integers(n, len(self.start), device=d.device)]
        log_u = source.split("accept").uniform(n, K, device=d.device).double().log()
        here, moves = run_chains(start, d, log_u)
        again, _ = run_chains(d[:, 0], d, log_u)
        again = again.clamp(min=0)
        self.stuck += int((here < 0).sum())
        self.tally.proposals += n * K
        self.tally.critic_passes += n * K
        self.tally.decisions += n * K
        self.tally.accepted += int(moves.sum())
        chosen = torch.where(here < 0, again, here)
        return x.reshape(n, K, *x.shape[1:])[torch.arange(n, device=x.device), chosen.to(x.device)]

    def report(self) -> Report:
        """The facts so far; `stuck` is the share of the chains that never moved."""
        t = self.tally
        stuck = self.stuck / max(t.draws, 1)
        facts = {"steps": float(self.steps), "stuck": stuck, "moves": t.acceptance_rate * self.steps}
        found = self.ratio.findings + ((_unmixed(stuck, self.steps),) if stuck > 0.01 else ())
        return Report(
            "metropolis-hastings", t.draws, t.proposals, t.acceptance_rate, t.critic_passes, t.seconds,
            0, None, facts, found,
        )  # fmt: skip


metropolis_hastings = MetropolisHastings  # a verb reads better where samplers are composed


def _unmixed(stuck: float, steps: int) -> Finding:
    saw = f"{100 * stuck:.1f} % of the chains never moved in {steps} steps: the draws are not yet those of the target."
    return Finding("unmixed-chain", saw, "Use more steps, a calibrated ratio, or train the model longer.")
