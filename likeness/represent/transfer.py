"""Transfer: what a network learned elsewhere serves classes of which there are few labels.

    feature extraction   min over h        E −log softmax_y h(f(x)),   f as it came                 (1)
    fine-tuning          min over f and h  E −log softmax_y h(f(x)),   f with a lower rate          (2)

A head that knows nothing sends a large and senseless gradient into f. So (2) can begin with (1): the head alone moves
for the first steps, which keeps what f knows about samples unlike the new ones (Kumar et al.). Rates by layer, by which
f moves less than the head, are those of the optimiser: `FineTuning.groups`.

Jason Yosinski, Jeff Clune, Yoshua Bengio, Hod Lipson. How transferable are features in deep neural networks? 2014.
https://arxiv.org/abs/1411.1792
Jeff Donahue et al. DeCAF: A Deep Convolutional Activation Feature for Generic Visual Recognition. 2014.
https://arxiv.org/abs/1310.1531
Ananya Kumar, Aditi Raghunathan, Robbie Jones, Tengyu Ma, Percy Liang. Fine-Tuning can Distort Pretrained Features and
Underperform Out-of-Distribution. 2022. https://arxiv.org/abs/2202.10054
"""

from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from likeness.core import Method, Update
from likeness.data.batch import Batch
from likeness.data.views import View
from likeness.errors import InputError
from likeness.nn.blocks import BatchNorm1d
from likeness.nn.modes import evaluating
from likeness.nn.transfer import frozen, groups
from likeness.represent.features import encoded
from likeness.represent.labels import check_smoothing, head_for, labelled, loss


class FeatureExtraction(Method):
    """A new linear head `h` on an encoder `f` that stays as it is, its running statistics too.

    Features are standardised before the head, by running statistics of their own: those of a network vary little about
    large means, from which a head alone learns slowly.

    Args:
        view: how training samples are changed, if at all.

    Raises:
        InputError: fewer than two classes; in training, labels that are missing or beyond the classes.
    """

    def __init__(self, f: nn.Module, classes: int, *, smoothing: float = 0.0, view: View | None = None) -> None:
        super().__init__()
        check_smoothing(smoothing)
        self.f, self.h, self.view = frozen(f), head_for(f, classes), view
        self.norm = BatchNorm1d(self.h.in_features, affine=False)
        self.classes, self.smoothing = classes, smoothing

    def updates(self, batch: Batch) -> Iterator[Update]:
        y = labelled(batch.y, self.classes)
        z = self.norm(self.f(batch.x if self.view is None else self.view(batch.x)))
        yield self.h, lambda: {"cross_entropy": loss(self.h(z), y, smoothing=self.smoothing).mean()}  # (1)

    @torch.no_grad()
    def encode(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, "n d"]:
        """f(x)."""
        return self.f(x)

    @torch.no_grad()
    def logits(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, "n k"]:
        """Of each class, in evaluation mode."""
        with evaluating(self):
            return self.h(self.norm(self.f(x)))

    def predict(self, x: Float[Tensor, " n *event"]) -> Int[Tensor, " n"]:
        """The most probable class."""
        return self.logits(x).argmax(1)


class FineTuning(Method):
    """An encoder `f` that goes on learning, and a new linear head `h`.

    Args:
        head_first: steps for which the head alone moves.
        view: how training samples are changed, if at all.

    Raises:
        InputError: fewer than two classes, steps below zero; in training, labels that are missing or beyond the
            classes.
    """

    def __init__(
        self,
        f: nn.Module,
        classes: int,
        *,
        head_first: int = 0,
        smoothing: float = 0.0,
        view: View | None = None,
    ) -> None:
        super().__init__()
        check_smoothing(smoothing)
        if head_first < 0:
            raise InputError(f"head_first {head_first}: give the number of steps, 0 for none")
        self.f, self.h, self.view = f, head_for(f, classes), view
        self.classes, self.smoothing, self.head_first = classes, smoothing, head_first

    def groups(self, *, lr: float, factor: float = 0.1, decay: float = 1.0) -> list[dict[str, Any]]:
        """For an optimiser: `lr` for the head, `factor` of it for f and less towards the pixels (`nn.transfer`)."""
        return groups(self.f, self.h, lr=lr, factor=factor, decay=decay)

    def updates(self, batch: Batch) -> Iterator[Update]:
        y = labelled(batch.y, self.classes)
        x = batch.x if self.view is None else self.view(batch.x)
        still = self.encode(x) if self.iteration < self.head_first else None
        yield (
            self,
            lambda: {
                "cross_entropy": loss(
                    self.h(self.f(x) if still is None else still), y, smoothing=self.smoothing
                ).mean()  # (2)
            },
        )

    def encode(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, "n d"]:
        """f(x), in evaluation mode."""
        return encoded(self.f, x)

    @torch.no_grad()
    def logits(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, "n k"]:
        """Of each class, in evaluation mode."""
        return self.h(self.encode(x))

    def predict(self, x: Float[Tensor, " n *event"]) -> Int[Tensor, " n"]:
        """The most probable class."""
        return self.logits(x).argmax(1)
