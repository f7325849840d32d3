"""Draws of an energy: Langevin chains that begin at a reference and are led into the energy, or go on where they are.

    E_β = (1 − β)(−log q) + β E,   β from 0 to 1 over the first half of the steps                      (1)
    x ← x − (η/2) S² ∇E_β(x) + √η S ξ,   S = diag of the deviations of data                            (2)

At β = 0 the start is exact, and modes share it out before they lie apart. Scaled by S, a pixel that hardly changes does
not force small steps on all the others.

Erik Nijkamp, Mitch Hill, Tian Han, Song-Chun Zhu, Ying Nian Wu. On the Anatomy of MCMC-Based Maximum Likelihood
Learning of Energy-Based Models. 2019. https://arxiv.org/abs/1903.12370
"""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.chains.langevin import unadjusted
from likeness.chains.state import Score, Source, recorded
from likeness.chains.verdict import Verdict, verdict
from likeness.energy.energies import Energy, score
from likeness.energy.reference import Reference
from likeness.errors import InputError
from likeness.sampling import Streams, streams

TRAINING, DRAWING = 20, 500  # steps


class Walk(NamedTuple):
    """How chains walk.

    Attributes:
        steps: of a draw.
        step_size: η, which is a share of the variance of data in each dimension.
        temperature: of the noise; 1 is Langevin's.
    """

    steps: int = DRAWING
    step_size: float = 0.01
    temperature: float = 1.0

    def on(
        self, energy: Energy, x: Float[Tensor, " n *event"], reference: Reference, source: Source
    ) -> Iterator[Float[Tensor, " n *event"]]:
        """The states of chains that go on from x."""
        return self._walked(partial(score, energy), x, reference, source)

    def states(
        self, energy: Energy, n: int, reference: Reference, source: Streams
    ) -> Iterator[Float[Tensor, " n *event"]]:
        """The states of chains that begin at the reference and are led into the energy."""
        x, half = reference.sample(n, generator=source.split("start")), max(1, self.steps // 2)
        betas = iter([*((t + 1) / half for t in range(half)), *[1.0] * (self.steps - half)])
        return self._walked(lambda x: score(partial(between, energy, reference, next(betas)), x), x, reference, source)

    def _walked(self, s: Score, x: Tensor, reference: Reference, source: Source) -> Iterator[Tensor]:
        if self.steps < 1:
            raise InputError(f"{self.steps} steps: a chain needs one or more")
        scale, eta, T = reference.scale, self.step_size, self.temperature
        there = partial(_scaled, s, scale)
        y = unadjusted(there, x / scale, steps=self.steps, step_size=eta, source=source, temperature=T)
        return (scale * part for part in y)  # (2)


def _scaled(s: Score, scale: Tensor, y: Tensor) -> Tensor:
    return scale * s(scale * y)


NEGATIVES, DRAWS = Walk(steps=TRAINING), Walk()


def between(energy: Energy, reference: Reference, beta: float, x: Float[Tensor, " n *event"]) -> Float[Tensor, " n"]:
    """The energy on the way from the reference."""
    return beta * energy(x) - (1 - beta) * reference.log_prob(x)  # (1)


@torch.no_grad()
def mixing(energy: Energy, reference: Reference, walk: Walk, *, chains: int = 64, seed: int = 0) -> Verdict:
    """What chains of the energy say of themselves, in their second half, at 40 of their states or fewer."""
    states = walk.states(energy, chains, reference, streams(seed))
    later = walk.steps - walk.steps // 2
    return verdict(recorded(states, every=max(1, later // 40), skip=walk.steps // 2))
