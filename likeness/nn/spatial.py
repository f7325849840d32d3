"""Encoders and decoders of images whose code keeps its place: a stack of feature maps, coarse and few.

    image (c, h, w)  →  maps (m, h / 2ᵏ, w / 2ᵏ)  →  image (c, h, w)

The image is halved as in `likeness.nn.coding`; a code of m maps holds m h w / 4ᵏ numbers, which can be more than the
image has: compare the two before calling it compressed. The decoder enlarges by nearest neighbours and convolves, which
leaves no chequered pattern (Odena et al. 2016). There is no batch normalisation, so a code is of its image alone.

Jonathan Masci, Ueli Meier, Dan Cireşan, Jürgen Schmidhuber. Stacked Convolutional Auto-Encoders for Hierarchical
Feature Extraction. 2011. https://doi.org/10.1007/978-3-642-21735-7_7
Augustus Odena, Vincent Dumoulin, Chris Olah. Deconvolution and Checkerboard Artifacts. 2016.
https://doi.org/10.23915/distill.00003
"""

from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn

from likeness.errors import InputError
from likeness.nn.blocks import channels_last, stages


def latent_shape(event: tuple[int, ...], maps: int) -> tuple[int, int, int]:
    """The shape of a code of so many maps.

    Raises:
        InputError: there is no map, or an image is not of a size that can be halved (see `blocks.stages`).
    """
    if maps < 1:
        raise InputError(f"{maps} feature maps: a code has one or more")
    base = stages(event, 1).base
    return maps, base, base


class SpatialEncoder(nn.Module):
    """Images to `maps` feature maps; `width` channels at half the full resolution, doubling below."""

    def __init__(self, event: tuple[int, ...], maps: int, *, width: int = 32) -> None:
        super().__init__()
        channels, _, widths = stages(event, width)
        layers: list[nn.Module] = []
        for a, b in pairwise((channels, *widths)):
            layers += [nn.Conv2d(a, b, 4, 2, 1), nn.ReLU()]
        self.body = nn.Sequential(*layers, nn.Conv2d(widths[-1], maps, 1))
        channels_last(self)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n m a b"]:
        return self.body(x)


class SpatialDecoder(nn.Module):
    """Feature maps to images with `outputs` numbers a pixel and channel."""

    def __init__(self, event: tuple[int, ...], maps: int, *, outputs: int = 1, width: int = 32) -> None:
        super().__init__()
        channels, _, widths = stages(event, width)
        wide = widths[::-1]
        layers: list[nn.Module] = [nn.Conv2d(maps, wide[0], 3, 1, 1), nn.ReLU()]
        for a, b in pairwise((*wide, max(8, widths[0] // 2))):
            layers += [nn.Upsample(scale_factor=2), nn.Conv2d(a, b, 3, 1, 1), nn.ReLU()]
        self.body = nn.Sequential(*layers, nn.Conv2d(max(8, widths[0] // 2), outputs * channels, 3, 1, 1))
        channels_last(self)

    def forward(self, z: Float[Tensor, "n m a b"]) -> Float[Tensor, "n c h w"]:
        return self.body(z)
