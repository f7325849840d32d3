"""SwAV: features are clustered while they are learned, and one view of a sample predicts the cluster of another.

    z = g(f(x))/‖g(f(x))‖ of each view;  scores zᵀC with prototypes C of length one                 (1)
    q: Sinkhorn codes of the large views, without gradient, of the batch and, on request, a queue   (2)
    min over f, g, C   E L(z, q),   the swapped prediction of `codes`                               (3)
    multi-crop: two large views and some small ones, that cost little; views of one size go forward together

In the first steps prototypes stand still, which gives features something to hold on to. A queue helps where a batch has
fewer samples than there are prototypes. `assign` is a clustering that comes with the features.

Mathilde Caron, Ishan Misra, Julien Mairal, Priya Goyal, Piotr Bojanowski, Armand Joulin. Unsupervised Learning of
Visual Features by Contrasting Cluster Assignments. 2020. https://arxiv.org/abs/2006.09882
"""

from collections.abc import Iterator
from typing import cast

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import normalize

from likeness.core import Method, Terms, Update
from likeness.data.batch import Batch
from likeness.data.views import Views
from likeness.errors import InputError
from likeness.nn.modes import evaluating
from likeness.ranks import ends_batch
from likeness.represent.codes import codes, swapped
from likeness.represent.features import encoded
from likeness.represent.queue import Queue


class SwAV(Method):
    """Encoder `f`, head `g` to vectors of `d` numbers, and prototypes `C`.

    Args:
        views: its first group are the large views, which are coded; two or more.
        d: of what g gives.
        prototypes: k; three to ten times the classes one hopes for are a start.
        tau: the temperature of predictions.
        epsilon: how soft codes are.
        iterations: of Sinkhorn.
        freeze: steps during which the prototypes stand still.
        queue: features of earlier batches that have their share in the codes, for each large view; 0 is none.
        queue_from: steps before the queue is filled; the authors wait 15 epochs, until features are worth keeping.
        hard: each code is one prototype.

    Raises:
        InputError: fewer than two prototypes or large views, a queue smaller than the prototypes, or a number that
            cannot be.
    """

    def __init__(
        self,
        f: nn.Module,
        g: nn.Module,
        views: Views,
        *,
        d: int = 128,
        prototypes: int = 3000,
        tau: float = 0.1,
        epsilon: float = 0.05,
        iterations: int = 3,
        freeze: int = 313,
        queue: int = 0,
        queue_from: int = 0,
        hard: bool = False,
    ) -> None:
        super().__init__()
        _check(views.counts[0], prototypes, queue)
        if not (tau > 0 and epsilon > 0 and iterations > 0):
            raise InputError(f"tau {tau:g}, epsilon {epsilon:g}, {iterations} iterations: give numbers above zero")
        self.f, self.g, self.views, self.coded = f, g, views, views.counts[0]
        self.C = nn.Parameter(normalize(torch.randn(prototypes, d), dim=1))
        self.queues = nn.ModuleList(Queue(d, queue) for _ in range(self.coded if queue else 0))
        self.tau, self.epsilon, self.iterations, self.hard = tau, epsilon, iterations, hard
        self.freeze, self.queue_from = freeze, queue_from

    def updates(self, batch: Batch) -> Iterator[Update]:
        views = self.views(batch.x)
        seen: list[Tensor] = []
        C = self.C.clone() if self.iteration < self.freeze else self.C  # a constant, as all that is made here

        def objective() -> Terms:
            z = self.features(views)
            seen.append(z[: self.coded])
            scores = z @ C.T  # (1)
            return {"swapped": swapped(scores, self.codes(scores[: self.coded]), tau=self.tau).mean()}  # (3)

        yield self, objective
        if ends_batch():
            self.C.copy_(normalize(self.C, dim=1))
            if self.iteration >= self.queue_from:
                for queue, z in zip(self.queues, seen[0]):
                    cast(Queue, queue).push(z)

    def features(self, views: list[Tensor]) -> Float[Tensor, "v n d"]:
        """The points on the sphere of each view of each sample."""
        parts: list[list[Tensor]] = []
        for view in views:
            if parts and parts[-1][-1].shape == view.shape:
                parts[-1].append(view)
            else:
                parts.append([view])
        h = torch.cat([self.f(torch.cat(part)) for part in parts])
        return self.on_sphere(h).unflatten(0, (len(views), -1))

    def on_sphere(self, h: Float[Tensor, "n d_h"]) -> Float[Tensor, "n d"]:
        z = self.g(h)
        if z.shape[1] != self.C.shape[1]:
            raise InputError(f"the head gives {z.shape[1]} numbers, prototypes have {self.C.shape[1]}: d={z.shape[1]}")
        return normalize(z, dim=1)

    @torch.no_grad()
    def codes(self, scores: Float[Tensor, "s n k"]) -> Float[Tensor, "s n k"]:
        """Of each large view, on its own; with the queue once that is full."""
        q = []
        for i, own in enumerate(scores):
            queue = cast(Queue, self.queues[i]) if self.queues else None
            others = queue.rows @ self.C.T if queue is not None and queue.full else None
            q.append(codes(own, epsilon=self.epsilon, iterations=self.iterations, others=others, hard=self.hard))  # (2)
        return torch.stack(q)

    def encode(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, "n d_h"]:
        """f(x), in evaluation mode."""
        return encoded(self.f, x)

    @torch.no_grad()
    def project(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, "n d"]:
        """z, the points on the sphere where prototypes are, in evaluation mode."""
        with evaluating(self):
            return self.on_sphere(self.f(x))

    @torch.no_grad()
    def scores(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, "n k"]:
        """The cosine of each sample and each prototype."""
        return self.project(x) @ self.C.T

    def assign(self, x: Float[Tensor, " n *event"]) -> Int[Tensor, " n"]:
        """The cluster of each sample: the prototype that is nearest."""
        return self.scores(x).argmax(1)


def _check(large: int, prototypes: int, queue: int) -> None:
    if prototypes < 2:
        raise InputError(f"{prototypes} prototypes: one cluster tells nothing apart, give 2 or more")
    if large < 2:
        raise InputError(f"{large} large view: a code is said by another view, give the first group of views 2 or more")
    if queue and queue < prototypes:
        raise InputError(f"a queue of {queue} for {prototypes} prototypes: give it as many or more, or 0 for none")
