"""Pseudo-labels: what a classifier is sure of counts as a label, so that it learns from unlabelled samples too.

    ŷ = argmax p(y|x),   where max p(y|x) ≥ θ                                                       (1)
    L = E_labelled −log p(y|x) + α(t) E_pseudo −log p(ŷ|x)                                          (2)
    α(t) = 0 before T₁,   α (t − T₁)/(T₂ − T₁) to T₂,   α from there on                             (3)

It helps where classes are apart and the labels few, and spreads mistakes where they are not: look at the precision,
which should be above the accuracy of the classifier on all. Lee counts every prediction; θ came later (Sohn et al.).

Dong-Hyun Lee. Pseudo-Label: The Simple and Efficient Semi-Supervised Learning Method for Deep Neural Networks. 2013.
http://deeplearning.net/wp-content/uploads/2013/03/pseudo_label_final.pdf
Kihyuk Sohn et al. FixMatch: Simplifying Semi-Supervised Learning with Consistency and Confidence. 2020.
https://arxiv.org/abs/2001.07685
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from likeness.core import Method, Terms, Update
from likeness.data.batch import Batch
from likeness.errors import InputError
from likeness.nn.modes import evaluating
from likeness.ranks import batch_mean, whole_batch
from likeness.represent.labels import head_for, labelled, loss

UNLABELLED = -1


class Confident(NamedTuple):
    """The rows that a classifier is sure of, and the classes it gives them."""

    rows: Int[Tensor, " m"]
    y: Int[Tensor, " m"]

    def precision(self, truth: Int[Tensor, " n"]) -> float:
        """The share of them that is right, given the labels of all rows; not a number where there is none."""
        return float((self.y == truth[self.rows]).double().mean())


def confident(p: Float[Tensor, "n k"], *, threshold: float = 0.95) -> Confident:
    """Of the probabilities that any classifier gives, those of `threshold` or more.

    Raises:
        InputError: the threshold is no share of one.
    """
    check_threshold(threshold)
    most, y = p.max(1)
    rows = (most >= threshold).nonzero().flatten()  # (1)
    return Confident(rows, y[rows])


def ramp(t: int, *, alpha: float = 3.0, begin: int = 100, end: int = 600) -> float:
    """How much pseudo-labels count at step t."""
    return alpha * min(max((t - begin) / max(end - begin, 1), 0.0), 1.0)  # (3)


def check_threshold(threshold: float) -> None:
    """Raises InputError where it is no share of one."""
    if not 0 <= threshold <= 1:
        raise InputError(f"threshold {threshold:g}: a probability from 0 to 1, such as 0.95")


class PseudoLabels(Method):
    """Encoder `f` and a linear head `h`; the labels of samples without one are −1.

    Args:
        threshold: θ; 0 counts every prediction, as Lee does.
        alpha: how much pseudo-labels count in the end.
        begin, end: steps T₁ and T₂; Lee's are 100 and 600 epochs.

    Raises:
        InputError: fewer than two classes, a θ that is no probability, or an end before the beginning; in training,
            labels that are missing or beyond the classes.
    """

    def __init__(
        self,
        f: nn.Module,
        classes: int,
        *,
        threshold: float = 0.95,
        alpha: float = 3.0,
        begin: int = 100,
        end: int = 600,
    ) -> None:
        super().__init__()
        check_threshold(threshold)
        if not 0 <= begin <= end:
            raise InputError(f"pseudo-labels from step {begin}, in full from {end}: give two steps in their order")
        self.f, self.h, self.classes = f, head_for(f, classes), classes
        self.threshold, self.alpha, self.begin, self.end = threshold, alpha, begin, end

    def updates(self, batch: Batch) -> Iterator[Update]:
        y = labelled(batch.y, self.classes, least=UNLABELLED)
        most, said = self.probabilities(batch.x).max(1)
        told = y != UNLABELLED
        sure = ~told & (most >= self.threshold)  # (1)
        alpha = ramp(self.iteration, alpha=self.alpha, begin=self.begin, end=self.end)
        yield self, lambda: self.terms(batch.x, torch.where(told, y, said), told, alpha * sure)

    def terms(self, x: Tensor, y: Int[Tensor, " n"], told: Bool[Tensor, " n"], sure: Float[Tensor, " n"]) -> Terms:
        """What is minimised: the means over labelled and over confident samples of the whole batch."""
        nats = loss(self.h(self.f(x)), y)
        return {"labelled": _mean(nats, told, told), "pseudo": _mean(nats, sure, sure > 0)}  # (2)

    @torch.no_grad()
    def encode(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, "n d"]:
        """f(x), in evaluation mode."""
        with evaluating(self.f):
            return self.f(x)

    @torch.no_grad()
    def probabilities(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, "n k"]:
        """p(y|x), in evaluation mode."""
        with evaluating(self):
            return self.h(self.f(x)).softmax(1)


def _mean(value: Tensor, weight: Tensor, counted: Tensor) -> Tensor:
    """Of the whole batch; nothing where nothing is counted."""
    share = batch_mean(counted.to(value)).clamp(min=1 / whole_batch(len(value)))
    return (weight * value).mean() / share
