"""A network that gives the score of the data, trained by any objective of score matching.

    min  E_x J(s; x)                                         J: a row of `OBJECTIVES`               (1)
    x ← x + σ² s(x)                                          the denoiser, of an s learned at σ     (2)

An energy network is trained as a score network, `ScoreMatching(Conservative(energy), variance_reduced)`.

Aapo Hyvärinen. Estimation of Non-Normalized Statistical Models by Score Matching. 2005.
https://www.jmlr.org/papers/v6/hyvarinen05a.html
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn

from likeness.core import Method, Update
from likeness.data.batch import Batch
from likeness.energy.score_matching import Objective, exact
from likeness.energy.sliced import gaussian, rademacher, variance_reduced
from likeness.energy.tweedie import denoise
from likeness.nn.modes import evaluating

OBJECTIVES: dict[str, Objective] = {
    "exact": exact,
    "rademacher": rademacher,
    "gaussian": gaussian,
    "variance-reduced": variance_reduced,
}


class ScoreMatching(Method):
    """`s`: samples (n, *event) to ∇ log p of the data, or with `denoising(sigma)` of the data with noise."""

    def __init__(self, s: nn.Module, objective: Objective) -> None:
        super().__init__()
        self.s, self.objective = s, objective

    def updates(self, batch: Batch) -> Iterator[Update]:
        yield self, lambda: {"score_matching": self.objective(self.s, batch.x).mean()}  # (1)

    def score(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, " n *event"]:
        """∇ log p, in evaluation mode."""
        with evaluating(self.s):
            return self.s(x)

    @torch.no_grad()
    def denoise(self, x: Float[Tensor, " n *event"], sigma: float) -> Float[Tensor, " n *event"]:
        """What is expected behind samples with noise, for a score that was learned at this level."""
        return denoise(self.score, x, sigma)  # (2)
