"""Classifier-free guidance: away from what a network says without a label, towards what it says with one.

    D'(x, σ; y) = D(x, σ) + s (D(x, σ; y) − D(x, σ))                                                (1)

By Bayes' rule D(x, σ; y) − D(x, σ) is σ² ∇ₓ log p(y|x), so that (1) is classifier guidance without a classifier. s = 0
is the model without labels, s = 1 the conditional one, and more sharpens; the w of the paper is s − 1. One network
gives both: in training some labels are left out, that is, they become the index after the last class.

Jonathan Ho, Tim Salimans. Classifier-Free Diffusion Guidance. 2022. https://arxiv.org/abs/2207.12598
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from likeness.diffusion.denoisers import Conditional, Denoiser, Labelled, Prediction
from likeness.diffusion.steering import every, extrapolated, labels_of


class ClassifierFree:
    """D' of (1), with labels given; one doubled batch instead of two."""

    def __init__(self, D: Conditional, y: Int[Tensor, " n"], scale: float, classes: int) -> None:
        self.D, self.y, self.scale, self.classes = D, y, scale, classes

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        return self.predict(x, sigma).x0

    def predict(self, x: Float[Tensor, " n *event"], sigma: Float[Tensor, " n"]) -> Prediction:
        labels = torch.cat((self.y, torch.full_like(self.y, self.classes)))
        both = self.D.predict(torch.cat((x, x)), torch.cat((sigma, sigma)), labels)
        with_label, without = (every(lambda part, i=i: part.chunk(2)[i], both) for i in (0, 1))  # type: ignore[misc]
        return extrapolated(without, with_label, self.scale)  # (1)


def classifier_free(D: Conditional, y: Int[Tensor, " n"] | None, scale: float = 1.0, *, classes: int) -> Denoiser:
    """A denoiser for these labels, 0 … `classes` − 1; the network's own label for none is `classes`.

    Raises:
        InputError: no labels, or one that is no class.
    """
    y = labels_of(y, classes)
    if scale == 1:
        return Labelled(D, y)
    if scale == 0:
        return Labelled(D, torch.full_like(y, classes))
    return ClassifierFree(D, y, scale, classes)
