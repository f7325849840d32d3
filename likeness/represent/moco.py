"""MoCo: contrast with a queue of keys, so that the number of negatives is free of the size of the batch.

    q = f_q(x̃),   k = f_k(x̃′),   both on the sphere                                                 (1)
    min  E info_nce(q, k, queue)                                                                    (2)
    θ_k ← m θ_k + (1 − m) θ_q,   then the k of this batch enter the queue                           (3)

Keys come from a slow average of the queries' network, for else those in the queue would be of unlike networks. Its
batch normalisation uses averaged statistics as well, which leaves no trace of the batch in a key: the paper shuffles
batches among processes for that. The average is warmed up (`nn.average`), so that short runs leave the first weights.

Kaiming He, Haoqi Fan, Yuxin Wu, Saining Xie, Ross Girshick. Momentum Contrast for Unsupervised Visual Representation
Learning. 2019. https://arxiv.org/abs/1911.05722
Zhaowei Cai et al. Exponential Moving Average Normalization for Self-supervised and Semi-supervised Learning. 2021.
https://arxiv.org/abs/2101.08482
"""

from collections.abc import Callable, Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn

from likeness.core import Method, Terms, Update
from likeness.data.batch import Batch
from likeness.nn.average import average
from likeness.nn.modes import evaluating
from likeness.ranks import ends_batch
from likeness.represent.contrast import Viewing, check_temperature, info_nce, two_views
from likeness.represent.features import encoded, projected
from likeness.represent.queue import Queue
from likeness.represent.sphere import normalise

Objective = Callable[[Tensor, Tensor, Tensor], Terms]  # of queries, their keys and the rows of the queue


class MoCo(Method):
    """Encoder `f` (samples to features) and head `g` (features to `d` numbers).

    Args:
        views: samples to two views of each, such as `two(simclr(32))` of `likeness.data.views`.
        d: numbers that g gives, which is what the queue holds.
        tau: temperature of the similarities.
        size: keys in the queue; it begins with random points of the sphere.
        decay: m, what the keys' network keeps of itself at a step.
        objective: in the place of (2), such as `align_uniform.queued()`; τ says nothing then.

    Raises:
        InputError: τ is not above zero, a decay out of [0, 1), or an empty queue; g gives no `d` numbers.
    """

    def __init__(
        self,
        f: nn.Module,
        g: nn.Module,
        views: Viewing,
        *,
        d: int = 128,
        tau: float = 0.07,
        size: int = 65536,
        decay: float = 0.999,
        objective: Objective | None = None,
    ) -> None:
        super().__init__()
        check_temperature(tau)
        self.f, self.g, self.views, self.tau, self.objective = f, g, views, tau, objective
        self.keys, self.queue = average(nn.Sequential(f, g), decay), Queue(d, size)
        self.queue.push(normalise(torch.randn(size, d)))

    def updates(self, batch: Batch) -> Iterator[Update]:
        x, other = two_views(self.views, batch.x)
        with evaluating(self.keys):
            k = normalise(self.keys.module(other))
        self.queue.check(k)
        yield self, lambda: self.terms(x, k)
        if ends_batch():
            self.keys.update(nn.Sequential(self.f, self.g))  # (3)
        self.queue.push(k)

    def terms(self, x: Float[Tensor, " n *event"], k: Float[Tensor, "n d"]) -> Terms:
        """What is minimised for views x whose keys are k."""
        q = normalise(self.g(self.f(x)))  # (1)
        if self.objective is not None:
            return self.objective(q, k, self.queue.rows)
        return {"contrast": info_nce(q, k, self.queue.rows, tau=self.tau).mean()}  # (2)

    def encode(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, "n d"]:
        """The features of new data, in evaluation mode."""
        return encoded(self.f, x)

    def project(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, "n d2"]:
        """The queries on the sphere, in evaluation mode."""
        return projected(self.f, self.g, x)
