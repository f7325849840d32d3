"""A network of images that works on patches: p×p pixels become p² channels of one place, and its result pixels again.

A U-Net at full resolution spends most of its time on the outermost level; with p = 2 a step costs a quarter or less.

Emiel Hoogeboom, Jonathan Heek, Tim Salimans. Simple diffusion: End-to-end diffusion for high resolution images. 2023.
https://arxiv.org/abs/2301.11093
"""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

from likeness.errors import InputError
from likeness.nn.blocks import Labels


class Patched(nn.Module):
    """F(x, t, y) of images (n, c, s, s), by a network of images with p² as many channels and a side of s / p.

    Args:
        event: the shape of an image.
        p: pixels along the side of a patch.
        make: builds the network for the shape that it sees.

    Raises:
        InputError: the side is no multiple of p.
    """

    def __init__(self, event: tuple[int, ...], p: int, make: Callable[[tuple[int, ...]], nn.Module]) -> None:
        super().__init__()
        if p < 1 or event[1] % p or event[2] % p:
            raise InputError(f"patches of {p} pixels in images of shape {event}: their sides are no multiple of it")
        self.p, self.inner = p, make((event[0] * p * p, event[1] // p, event[2] // p))

    def forward(
        self, x: Float[Tensor, "n c s s"], t: Float[Tensor, " n"], y: Labels = None
    ) -> Float[Tensor, "n c_out s s"]:
        labels = () if y is None else (y,)
        return pixel_shuffle(self.inner(pixel_unshuffle(x, self.p), t, *labels), self.p)
