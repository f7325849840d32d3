"""SimCLR: an encoder learns by telling the other view of a sample from the views of the other samples of its batch.

    h = f(x̃),   z = g(h)/‖g(h)‖,   of two views x̃ of each sample                                    (1)
    min  E nt_xent(z, z′)                                                                           (2)

What is kept is f: the head g forgets what views change, which a task may need. Larger batches have more negatives, and
with them a better bound (`contrast.mutual_information_bound`); `block` holds their memory down.

Ting Chen, Simon Kornblith, Mohammad Norouzi, Geoffrey Hinton. A Simple Framework for Contrastive Learning of Visual
Representations. 2020. https://arxiv.org/abs/2002.05709
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn

from likeness.core import Method, Update
from likeness.data.batch import Batch
from likeness.represent.contrast import Viewing, check_temperature, nt_xent, two_views
from likeness.represent.features import encoded, projected
from likeness.represent.sphere import normalise


class SimCLR(Method):
    """Encoder `f` (samples to features) and head `g` (features to the space of the loss).

    Args:
        views: samples to two views of each, such as `two(simclr(32))` of `likeness.data.views`.
        tau: temperature of the similarities; the paper has 0.1 for ImageNet and 0.5 for CIFAR-10.
        block: views that the loss compares at a time, in memory linear in the batch; all if not given.

    Raises:
        InputError: τ is not above zero.
    """

    def __init__(
        self, f: nn.Module, g: nn.Module, views: Viewing, *, tau: float = 0.5, block: int | None = None
    ) -> None:
        super().__init__()
        check_temperature(tau)
        self.f, self.g, self.views, self.tau, self.block = f, g, views, tau, block

    def updates(self, batch: Batch) -> Iterator[Update]:
        x = torch.cat(two_views(self.views, batch.x))
        yield self, lambda: {"contrast": self.contrast(x).mean()}

    def contrast(self, x: Float[Tensor, " n2 *event"]) -> Float[Tensor, " n"]:
        """The loss of each sample, whose two views are in the first and in the second half of x."""
        z1, z2 = normalise(self.g(self.f(x))).chunk(2)  # (1)
        return nt_xent(z1, z2, tau=self.tau, block=self.block)  # (2)

    def encode(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, "n d"]:
        """The features h of new data, in evaluation mode."""
        return encoded(self.f, x)

    def project(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, "n d2"]:
        """The points z on the sphere that the loss compares, in evaluation mode."""
        return projected(self.f, self.g, x)
