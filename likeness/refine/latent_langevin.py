"""Langevin dynamics in the latent space of a generator (DDLS): the discriminator's ratio as an energy of z.

Rejection sampling from p_g by r = p_data / p_g, pulled back through x = G(z), has the density in z

    p(z) ∝ p₀(z) r(G(z)) = e^{−E(z)},   E(z) = −log p₀(z) − log r(G(z))  (1)
    z' = z − (η/2) ∇E(z) + √η ξ,   ξ ~ N(0, I)                           (2)

A step of (2) is then kept with the Metropolis–Hastings probability (MALA), which takes away the error of the finite
step, unless `correct` is off, as in the paper.

Tong Che, Ruixiang Zhang, Jascha Sohl-Dickstein, Hugo Larochelle, Liam Paull, Yuan Cao, Yoshua Bengio. Your GAN is
Secretly an Energy-based Model and You Should Use Discriminator Driven Latent Sampling. 2020.
https://arxiv.org/abs/2003.06060
"""

import math
from collections.abc import Callable, Sequence
from time import perf_counter

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.chains.adapt import adapted
from likeness.chains.langevin import BEST, proposal
from likeness.chains.state import State, chosen, state
from likeness.chains.verdict import MIXED, split_rhat
from likeness.errors import InputError
from likeness.findings import Finding
from likeness.ranks import world
from likeness.refine.ratio import Logit, as_ratio, checked
from likeness.refine.report import Report, Tally, in_blocks
from likeness.sampling import Ask, Streams, agreed

SAFE_ACCEPTANCE = 0.95  # of chains without correction


class LatentLangevin:
    """The sampler of `decode(z)` for z at the end of Langevin chains that start at the standard normal prior.

    Args:
        decode: the generator, (n, d_z) → (n, *event), differentiable, each sample apart from the others.
        log_ratio: log p_data / p_model of the decoded samples, differentiable.
        steps: steps a draw, ≥ 8.
        step_size: η > 0; without one, that which trial chains would accept with a probability of .57 (.95 for
            chains without correction).
        correct: whether steps are accepted or rejected (MALA) or all of them taken.
        block: how many chains run at a time; it does not change the draws.
        device: where `decode` wants its z.
        seed: of the trial chains.
    """

    def __init__(
        self,
        decode: Callable[[Tensor], Tensor],
        log_ratio: Logit,
        d_z: int,
        *,
        steps: int = 200,
        step_size: float | None = None,
        correct: bool = True,
        block: int = 256,
        device: torch.device | str = "cpu",
        seed: int = 0,
    ) -> None:
        if steps < 8:
            raise InputError(f"steps={steps}: chains need 8 steps or more")
        if step_size is not None and not step_size > 0:
            raise InputError(f"step_size={step_size}: it has to be positive, for example 0.01")
        self.decode, self.ratio, self.d_z, self.steps = decode, as_ratio(log_ratio), d_z, steps
        self.correct, self.block, self.device = correct, block, device
        self.tally, self.rhat, self.widest = Tally(), math.nan, 0
        began = perf_counter()
        tuned = self._tuned(Streams(seed).split("trial")) if step_size is None else step_size
        self.step_size = world().objects(tuned)[0]
        self.tally.seconds = perf_counter() - began

    def energy(self, z: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """E(z), up to the constant of p₀."""
        return z.square().sum(1) / 2 - self.ratio(self.decode(z))  # (1)

    def __call__(self, n: int, *, generator: int | Streams | None = None) -> Float[Tensor, " n *event"]:
        """Raises InputError where the energy is NaN."""
        return self.several([(n, agreed(generator))])[0]

    def several(self, parts: Sequence[Ask]) -> list[Tensor]:
        """The draws of each part; processes share them out."""
        return in_blocks(self._draw, self._count, parts, self.block, self.tally)

    def _log_density(self, z: Tensor) -> Tensor:
        """Raises InputError where the energy is NaN."""
        return checked(-self.energy(z))

    def _draw(self, n: int, source: Streams) -> tuple[Tensor, tuple[int, float, float]]:
        step = self._chains(n, source)
        now = state(self._log_density, source.split("start").normal(n, self.d_z, device=self.device))
        trace, accepted = [], torch.zeros((), dtype=torch.double, device=now.x.device)
        for i in range(self.steps):
            now, alpha = step(now, self.step_size)
            accepted += alpha.sum()
            if i >= self.steps // 2:
                trace.append(now.x)
        return self.decode(now.x), (n, float(accepted), float(split_rhat(torch.stack(trace)).max()))

    def _chains(
        self, n: int, source: Streams, correct: bool | None = None
    ) -> Callable[[State, float], tuple[State, Tensor]]:
        """A step of `n` chains, and the probability with which each was, or would have been, accepted."""
        noise, coins = source.split("noise"), source.split("accept")
        adjusts = self.correct if correct is None else correct

        def step(now: State, eta: float) -> tuple[State, Tensor]:
            xi = noise.normal(n, self.d_z, device=self.device)
            new, log_alpha = proposal(self._log_density, now, torch.full((n,), eta, device=self.device), xi)  # (2)
            moves = coins.uniform(n, device=self.device).log() < log_alpha
            return chosen(moves, new, now) if adjusts else new, log_alpha.exp()

        return step

    def _count(self, counts: tuple[int, float, float]) -> None:
        n, accepted, rhat = counts
        self.tally.count(n * self.steps, accepted)
        self.tally.critic_passes += n
        if n >= self.widest:  # a handful of chains says little
            self.widest, self.rhat = n, rhat

    def _tuned(self, source: Streams, chains: int = 64, steps: int = 60) -> float:
        """The step size that trial chains accept with the wanted probability."""
        wanted = BEST if self.correct else SAFE_ACCEPTANCE
        start = state(self._log_density, source.normal(chains, self.d_z, device=self.device))
        trial = self._chains(chains, source, correct=True)
        _, eta = adapted(trial, start, first=self.d_z ** (-1 / 3), wanted=wanted, steps=steps)
        self.tally.critic_passes = chains * (steps + 1)
        return eta

    def report(self) -> Report:
        """The facts so far; `rhat` is the largest split R̂ over latent coordinates, from the second half of chains."""
        facts = {"steps": self.steps, "step_size": self.step_size, "rhat": self.rhat}
        known = self.tally.report("latent-langevin", facts, self.ratio.findings)
        found = [*known.findings]
        if self.rhat > MIXED:
            found.append(_unmixed(self.rhat, self.steps))
        if not self.correct and known.draws and known.acceptance_rate < 0.9:
            found.append(_coarse(known.acceptance_rate))
        return known._replace(findings=tuple(found))


latent_langevin = LatentLangevin  # a verb reads better where samplers are composed


def _unmixed(rhat: float, steps: int) -> Finding:
    saw = f"The chains have not mixed in {steps} steps (R̂ {rhat:.2f} > {MIXED}): draws depend on their start."
    return Finding("unmixed-chain", saw, "Use more steps; where modes lie far apart, use rejection instead.")


def _coarse(rate: float) -> Finding:
    saw = f"Steps are coarse: a correction would have rejected {100 * (1 - rate):.0f} % of them."
    return Finding("coarse-steps", saw, "Use a smaller step size, or correct=True.")
