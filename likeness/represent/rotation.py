"""Rotation prediction, the simplest task without labels: by how many quarters was this image turned?

    x_r = x turned by r · 90°,   r = 0 … 3                                                          (1)
    min over f, h   E ¼ Σ_r −log softmax_r h(f(x_r))                                                (2)

To answer, a network has to know what is depicted and which way up it belongs. Where things have no upright (a 0, an 8)
it cannot, and where the same thing turned is another class (6 and 9) it learns to tell what it should.

Spyros Gidaris, Praveer Singh, Nikos Komodakis. Unsupervised Representation Learning by Predicting Image Rotations.
2018. https://arxiv.org/abs/1803.07728
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn

from likeness.core import Method, Update
from likeness.data.batch import Batch
from likeness.data.views import View
from likeness.errors import InputError
from likeness.nn.modes import evaluating
from likeness.represent.features import encoded
from likeness.represent.labels import head_for, loss


class Rotation(Method):
    """Encoder `f` of square images, and a linear head `h`; `view`: how images are changed before they are turned.

    Raises:
        InputError: images that are not square.
    """

    def __init__(self, f: nn.Module, *, view: View | None = None) -> None:
        super().__init__()
        self.f, self.h, self.view = f, head_for(f, 4), view

    def updates(self, batch: Batch) -> Iterator[Update]:
        x = turned(batch.x if self.view is None else self.view(batch.x))
        yield self, lambda: {"rotation": self.losses(x).mean()}  # (2)

    def losses(self, x: Float[Tensor, "n 4 c s s"]) -> Float[Tensor, "n 4"]:
        """Nats of each turn of each image."""
        r = torch.arange(4, device=x.device).repeat(len(x))
        return loss(self.h(self.f(x.flatten(0, 1))), r).unflatten(0, (-1, 4))

    def encode(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d"]:
        """f(x), in evaluation mode."""
        return encoded(self.f, x)

    @torch.no_grad()
    def turns(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 4"]:
        """The probability that an image was turned by 0, 90, 180 and 270 degrees, in evaluation mode."""
        with evaluating(self):
            return self.h(self.f(x)).softmax(1)


def turned(x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 4 c h w"]:
    """Each image upright and by one, two and three quarters, against the clock.

    Raises:
        InputError: they are not square.
    """
    h, w = x.shape[2:]
    if h != w:
        raise InputError(f"images of {h}×{w}: to be turned by a quarter they have to be square, crop or resize them")
    return torch.stack([x.rot90(r, (2, 3)) for r in range(4)], 1)  # (1)
