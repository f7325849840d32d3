"""Langevin dynamics in the latent space of a generator (DDLS): the discriminator's ratio as an energy of z.

Rejection sampling from p_g by r = p_data / p_g, pulled back through x = G(z), has the density in z

    p(z) ∝ p₀(z) r(G(z)) = e^{−E(z)},   E(z) = −log p₀(z) − log r(G(z))  (1)
    z' = z − (η/2) ∇E(z) + √η ξ,   ξ ~ N(0, I)                           (2)

A step of (2) is then kept with the Metropolis–Hastings probability (MALA), which takes away the error of the finite
step, unless `correct` is off, as in the paper:

    log α = E(z) − E(z') + log N(z; z' − (η/2) ∇E(z'), η I) − log N(z'; z − (η/2) ∇E(z), η I)     (3)

Tong Che, Ruixiang Zhang, Jascha Sohl-Dickstein, Hugo Larochelle, Liam Paull, Yuan Cao, Yoshua Bengio. Your GAN is
Secretly an Energy-based Model and You Should Use Discriminator Driven Latent Sampling. 2020.
https://arxiv.org/abs/2003.06060
"""

import math
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.errors import InputError
from likeness.findings import Finding
from likeness.ranks import world
from likeness.refine.chains import MIXED, split_rhat
from likeness.refine.ratio import Logit, as_ratio, checked
from likeness.refine.report import Report, Tally, in_blocks
from likeness.sampling import Ask, Streams, agreed

Energy = Callable[[Tensor], Tensor]
BEST_ACCEPTANCE, SAFE_ACCEPTANCE = (
    0.574,
    0.95,
)  # the first is best of the Langevin proposal in high dimension, https://doi.org/10.1111/1467-9868.00123


class State(NamedTuple):
    """Chains at `z` (n, d) with the energy (n,) and its gradient (n, d) there."""

    z: Tensor
    energy: Tensor
    slope: Tensor


def state(energy: Energy, z: Float[Tensor, "n d"]) -> State:
    """The energy and its gradient at `z`. Raises InputError where the energy is NaN."""
    with torch.enable_grad():
        z = z.detach().requires_grad_()
        E = energy(z)
        (slope,) = torch.autograd.grad(E.sum(), z)
    return State(z.detach(), checked(-E.detach()).neg(), slope)


def log_step(to: Float[Tensor, "n d"], start: State, eta: float) -> Float[Tensor, " n"]:
    """The log density, up to a constant, of the step (2) from `start` to `to`."""
    return -(to - start.z + eta / 2 * start.slope).square().sum(1) / (2 * eta)


def langevin_step(
    energy: Energy, now: State, eta: float, xi: Float[Tensor, "n d"]
) -> tuple[State, Float[Tensor, " n"]]:
    """The proposed states and the log probability of accepting each."""
    new = state(energy, now.z - eta / 2 * now.slope + math.sqrt(eta) * xi)  # (2)
    log_alpha = now.energy - new.energy + log_step(now.z, new, eta) - log_step(new.z, now, eta)  # (3)
    return new, log_alpha.clamp(max=0)


def chosen(moves: Tensor, new: State, old: State) -> State:
    """The new state where a chain moves, the old one where it does not."""
    z, slope = (torch.where(moves[:, None], a, b) for a, b in ((new.z, old.z), (new.slope, old.slope)))
    return State(z, torch.where(moves, new.energy, old.energy), slope)


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

    def _draw(self, n: int, source: Streams) -> tuple[Tensor, tuple[int, float, float]]:
        noise, coins = source.split("noise"), source.split("accept")
        now = state(self.energy, source.split("start").normal(n, self.d_z, device=self.device))
        trace, accepted = [], torch.zeros((), dtype=torch.double, device=now.z.device)
        for step in range(self.steps):
            xi = noise.normal(n, self.d_z, device=self.device)
            new, log_alpha = langevin_step(self.energy, now, self.step_size, xi)
            accepted += log_alpha.exp().sum()
            u = coins.uniform(n, device=self.device)
            now = chosen(u.log() < log_alpha, new, now) if self.correct else new
            if step >= self.steps // 2:
                trace.append(now.z)
        return self.decode(now.z), (n, float(accepted), float(split_rhat(torch.stack(trace)).max()))

    def _count(self, counts: tuple[int, float, float]) -> None:
        n, accepted, rhat = counts
        self.tally.count(n * self.steps, accepted)
        self.tally.critic_passes += n
        if n >= self.widest:  # a handful of chains says little
            self.widest, self.rhat = n, rhat

    def _tuned(self, source: Streams, chains: int = 64, steps: int = 60) -> float:
        """The step size that trial chains accept with the wanted probability (Robbins and Monro's recursion)."""
        wanted = BEST_ACCEPTANCE if self.correct else SAFE_ACCEPTANCE
        log_eta, noise, coins = -math.log(self.d_z) / 3, source.split("noise"), source.split("accept")
        now = state(self.energy, source.normal(chains, self.d_z, device=self.device))
        for step in range(steps):
            xi = noise.normal(chains, self.d_z, device=self.device)
            new, log_alpha = langevin_step(self.energy, now, math.exp(log_eta), xi)
            log_eta += 3 / math.sqrt(step + 1) * (float(log_alpha.exp().mean()) - wanted)
            now = chosen(coins.uniform(chains, device=self.device).log() < log_alpha, new, now)
        self.tally.critic_passes = chains * (steps + 1)
        return math.exp(log_eta)

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
