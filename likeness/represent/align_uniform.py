"""Alignment and uniformity on the sphere, minimised themselves: a loss of pairs without softmax or negatives to choose.

    z = g(f(x̃))/‖g(f(x̃))‖,   of two views x̃ of each sample                                         (1)
    min  λ_a E‖z − z′‖^α + λ_u (U(z) + U(z′))/2 [+ λ_c nt_xent(z, z′)],   U = log E exp(−t ‖z_i − z_j‖²)   (2)

With alignment alone all features become one point, which is as aligned as can be. With a queue of keys it is
`MoCo(..., objective=queued())`, whose terms are

    λ_a E‖q − k‖^α + λ_u U,   U over pairs of a query with a key of the queue, and of two queries   (3)

Tongzhou Wang, Phillip Isola. Understanding Contrastive Representation Learning through Alignment and Uniformity on the
Hypersphere. 2020. https://arxiv.org/abs/2005.10242
"""

from collections.abc import Callable, Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn

from likeness.core import Method, Terms, Update
from likeness.data.batch import Batch
from likeness.errors import InputError
from likeness.represent.contrast import Viewing, check_temperature, nt_xent, two_views
from likeness.represent.features import encoded, projected
from likeness.represent.sphere import alignment, check_scale, normalise, uniformity, uniformity_between


class AlignUniform(Method):
    """Encoder `f` (samples to features) and head `g` (features to the sphere, once normalised).

    Args:
        views: samples to two views of each, such as `two(align_uniform(64))` of `likeness.data.views`.
        align, uniform, contrast: weights λ of the terms; a term of weight zero is left out.
        alpha: power of the distance in a pair.
        t: of the potential; higher, and only near features repel each other.
        tau: temperature of the contrast.

    Raises:
        InputError: weights below zero or all zero; α, t or τ not above zero.
    """

    def __init__(
        self,
        f: nn.Module,
        g: nn.Module,
        views: Viewing,
        *,
        align: float = 1.0,
        uniform: float = 1.0,
        alpha: float = 2.0,
        t: float = 2.0,
        contrast: float = 0.0,
        tau: float = 0.5,
    ) -> None:
        super().__init__()
        check_temperature(tau)
        _check(t, alpha, align, uniform, contrast)
        self.f, self.g, self.views = f, g, views
        self.align, self.uniform, self.contrast = align, uniform, contrast
        self.alpha, self.t, self.tau = alpha, t, tau

    def updates(self, batch: Batch) -> Iterator[Update]:
        x = torch.cat(two_views(self.views, batch.x))
        yield self, lambda: self.terms(*normalise(self.g(self.f(x))).chunk(2))  # (1)

    def terms(self, z1: Float[Tensor, "n d"], z2: Float[Tensor, "n d"]) -> Terms:
        """What is minimised, of points on the sphere: (2)."""
        terms: Terms = {}
        if self.align:
            terms["alignment"] = self.align * alignment(z1, z2, alpha=self.alpha).mean()
        if self.uniform:
            terms["uniformity"] = self.uniform * (uniformity(z1, t=self.t) + uniformity(z2, t=self.t)) / 2
        if self.contrast:
            terms["contrast"] = self.contrast * nt_xent(z1, z2, tau=self.tau).mean()
        return terms  # (2)

    def encode(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, "n d"]:
        """The features of new data, in evaluation mode."""
        return encoded(self.f, x)

    def project(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, "n d2"]:
        """The points on the sphere that the loss sees, in evaluation mode."""
        return projected(self.f, self.g, x)


def queued(
    *, align: float = 3.0, uniform: float = 1.0, alpha: float = 2.0, t: float = 3.0, within: bool = True
) -> Callable[[Tensor, Tensor, Tensor], Terms]:
    """The terms of queries, their keys and a queue's rows, with the weights that did best on ImageNet-100.

    Args:
        within: pairs of two queries count as well.

    Raises:
        InputError: weights below zero or all zero; α or t not above zero.
    """
    _check(t, alpha, align, uniform)

    def terms(q: Float[Tensor, "n d"], k: Float[Tensor, "n d"], rows: Float[Tensor, "m d"]) -> Terms:
        together = uniform * uniformity_between(q, rows, t=t, within=within)  # (3)
        return {"alignment": align * alignment(q, k, alpha=alpha).mean(), "uniformity": together}

    return terms


def _check(t: float, alpha: float, *weights: float) -> None:
    check_scale(t)
    if not alpha > 0:
        raise InputError(f"alpha {alpha:g} of the alignment: give a power above zero, such as 2")
    if min(weights) < 0 or max(weights) == 0:
        said = ", ".join(f"{w:g}" for w in weights)
        raise InputError(f"weights {said} of the terms: give zero or more, and one above zero")
