"""A classifier: the features of a network that was told the classes, the ceiling of those that were not.

    p(y|x) = softmax(W f(x) + b)                                                                    (1)
    min over f, W, b   E −log p(y|x),   with smoothed labels on request                             (2)

Alex Krizhevsky, Ilya Sutskever, Geoffrey Hinton. ImageNet Classification with Deep Convolutional Neural Networks. 2012.
https://papers.nips.cc/paper/4824-imagenet-classification-with-deep-convolutional-neural-networks
Yann LeCun, Léon Bottou, Yoshua Bengio, Patrick Haffner. Gradient-Based Learning Applied to Document Recognition. 1998.
https://doi.org/10.1109/5.726791
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from likeness.core import Method, Update
from likeness.data.batch import Batch
from likeness.data.views import View
from likeness.represent.features import encoded
from likeness.represent.labels import check_smoothing, head_for, labelled, loss


class Classifier(Method):
    """Encoder `f` and a linear head `h` of so many classes.

    Args:
        smoothing: the share of a label that goes to all classes alike.
        view: how training samples are changed, if at all.

    Raises:
        InputError: fewer than two classes, a smoothing that is no share; in training, labels that are missing or beyond
            the classes.
    """

    def __init__(self, f: nn.Module, classes: int, *, smoothing: float = 0.0, view: View | None = None) -> None:
        super().__init__()
        check_smoothing(smoothing)
        self.f, self.h, self.view = f, head_for(f, classes), view
        self.classes, self.smoothing = classes, smoothing

    def updates(self, batch: Batch) -> Iterator[Update]:
        y = labelled(batch.y, self.classes)
        x = batch.x if self.view is None else self.view(batch.x)
        yield self, lambda: {"cross_entropy": loss(self.h(self.f(x)), y, smoothing=self.smoothing).mean()}  # (2)

    def encode(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, "n d"]:
        """f(x), in evaluation mode."""
        return encoded(self.f, x)

    @torch.no_grad()
    def logits(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, "n k"]:
        """Of each class, in evaluation mode."""
        return self.h(self.encode(x))

    def probabilities(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, "n k"]:
        """p(y|x), in evaluation mode."""
        return self.logits(x).softmax(1)  # (1)

    def predict(self, x: Float[Tensor, " n *event"]) -> Int[Tensor, " n"]:
        """The most probable class."""
        return self.probabilities(x).argmax(1)
