"""A queue of the features that came last: negatives from earlier batches, more than any batch holds.

    queue.push(k)        after the step; the oldest make room
    queue.rows           (m, d), in no order that matters

What is in it is part of the state of a run. All processes hold the same rows, those of the whole batch.

Kaiming He, Haoqi Fan, Yuxin Wu, Saining Xie, Ross Girshick. Momentum Contrast for Unsupervised Visual Representation
Learning. 2019. https://arxiv.org/abs/1911.05722
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from likeness.errors import InputError
from likeness.ranks import held, world


class Queue(nn.Module):
    """Holds the last `size` vectors of `d` numbers.

    Raises:
        InputError: there is no room in it.
    """

    stored: Tensor

    def __init__(self, d: int, size: int) -> None:
        super().__init__()
        if min(d, size) < 1:
            raise InputError(f"a queue of {size} vectors of {d} numbers: give one or more of each")
        self.size, self.next, self.count = size, 0, 0
        self.register_buffer("stored", torch.zeros(size, d))

    @torch.no_grad()
    def push(self, z: Float[Tensor, "n d"]) -> None:
        """Take in these rows, and in a step those of the other processes; of more than `size` the last ones.

        Raises:
            InputError: the rows are of another length.
        """
        self.check(z)
        if held() is not None and world().size > 1:
            z = torch.cat(world().collect(z.contiguous()))
        z = z[-self.size :].to(self.stored)
        at = torch.arange(self.next, self.next + len(z), device=z.device) % self.size
        self.stored[at] = z
        self.next, self.count = (self.next + len(z)) % self.size, min(self.count + len(z), self.size)

    def check(self, z: Float[Tensor, "n d"]) -> None:
        """Raises InputError where rows are not as long as those it holds."""
        d = self.stored.shape[1]
        if z.shape[1] != d:
            raise InputError(f"vectors of {z.shape[1]} numbers for a queue of {d}: build it with d={z.shape[1]}")

    @property
    def rows(self) -> Float[Tensor, "m d"]:
        """Those that are there, which a later push writes over."""
        return self.stored[: self.count]

    @property
    def full(self) -> bool:
        return self.count == self.size

    def get_extra_state(self) -> Tensor:
        return torch.tensor([self.next, self.count])

    def set_extra_state(self, state: Tensor) -> None:
        self.next, self.count = (int(n) for n in state)
