"""ReLIC: contrast, and the same similarities to all other samples whatever the pair of views that shows them.

    z = g(f(x̃))/‖g(f(x̃))‖ of two views x̃ of each sample;   v = z, or those of a target             (1)
    p₁₂(j|i) ∝ exp(z_i · v′_j / τ),   p₂₁(j|i) ∝ exp(z′_i · v_j / τ)
    min  E[−log p₁₂(i|i) − log p₂₁(i|i)] + α E[KL(p₁₂ ‖ p₂₁) + KL(p₂₁ ‖ p₁₂)]                        (2)

If a sample is made of a content and a style, and only the content matters to a task, then views are interventions on
the style, and a representation of the content is one whose predictions they leave alone. α = 0 is InfoNCE. With `decay`
the candidates v are of a target network that follows, as BYOL's does; its batch normalisation uses averaged statistics.

Jovana Mitrovic, Brian McWilliams, Jacob Walker, Lars Buesing, Charles Blundell. Representation Learning via Invariant
Causal Mechanisms. 2020. https://arxiv.org/abs/2010.07922
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn

from likeness.core import Method, Terms, Update
from likeness.data.batch import Batch
from likeness.errors import InputError
from likeness.nn.average import Average, average
from likeness.nn.modes import evaluating
from likeness.ranks import ends_batch
from likeness.represent.contrast import Viewing, check_temperature, two_views
from likeness.represent.features import encoded, projected
from likeness.represent.invariance import relic
from likeness.represent.sphere import normalise


class ReLIC(Method):
    """Encoder `f` (samples to features) and head `g` (features to the space of the loss), the paper's critic.

    Args:
        views: samples to two views of each, such as `two(simclr(32))` of `likeness.data.views`.
        tau: temperature of the similarities; 0.2 is that of the authors' later ReLICv2.
        alpha: weight of the invariance.
        symmetric: both directions of KL; else that from p₁₂ alone, which is a constant target then.
        decay: of a target network, such as 0.996; none if not given.

    Raises:
        InputError: τ is not above zero, α below zero, or a decay out of [0, 1).
    """

    def __init__(
        self,
        f: nn.Module,
        g: nn.Module,
        views: Viewing,
        *,
        tau: float = 0.2,
        alpha: float = 1.0,
        symmetric: bool = True,
        decay: float | None = None,
    ) -> None:
        super().__init__()
        check_temperature(tau)
        if alpha < 0:
            raise InputError(f"alpha {alpha:g} of the invariance: give a weight of zero or more")
        self.f, self.g, self.views = f, g, views
        self.tau, self.alpha, self.symmetric = tau, alpha, symmetric
        self.target: Average | None = None if decay is None else average(nn.Sequential(f, g), decay)

    def updates(self, batch: Batch) -> Iterator[Update]:
        x, v = torch.cat(two_views(self.views, batch.x)), None
        if self.target is not None:
            with evaluating(self.target):
                v = normalise(self.target.module(x))
        yield self, lambda: self.terms(x, v)
        if self.target is not None and ends_batch():
            self.target.update(nn.Sequential(self.f, self.g))

    def terms(self, x: Float[Tensor, " n2 *event"], v: Float[Tensor, "n2 d"] | None = None) -> Terms:
        """What is minimised; the two views of a sample are in the first and in the second half of x."""
        z = normalise(self.g(self.f(x)))  # (1)
        pairs = (*z.chunk(2), *(z if v is None else v).chunk(2))
        contrast, invariance = relic(*pairs, tau=self.tau, symmetric=self.symmetric)
        return {"contrast": contrast.mean(), "invariance": self.alpha * invariance.mean()}  # (2)

    def encode(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, "n d"]:
        """The features of new data, in evaluation mode."""
        return encoded(self.f, x)

    def project(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, "n d2"]:
        """The points on the sphere that the loss compares, in evaluation mode."""
        return projected(self.f, self.g, x)
