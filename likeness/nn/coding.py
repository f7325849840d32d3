"""Encoders and decoders: perceptrons for vectors, strided convolutions for square images from 8×8 to 128×128.

An encoder's outputs and a decoder's are numbers without limits, of which a likelihood or a posterior makes what it
needs. A class, where there are classes, shifts the layer next to the latent vector.

The convolutions halve and double as those of DCGAN do: Alec Radford, Luke Metz, Soumith Chintala. Unsupervised
Representation Learning with Deep Convolutional Generative Adversarial Networks. 2016. https://arxiv.org/abs/1511.06434
"""

from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn

from likeness.nn.blocks import BatchNorm2d, Entry, Labels, channels_last, stages
from likeness.nn.vector import MLP


class ConvEncoder(nn.Module):
    """Images to `d_out` numbers; `width` channels at half the full resolution, doubling below."""

    def __init__(self, shape: tuple[int, ...], d_out: int, *, width: int = 32, classes: int = 0) -> None:
        super().__init__()
        channels, base, widths = stages(shape, width)
        layers: list[nn.Module] = [nn.Conv2d(channels, widths[0], 4, 2, 1), nn.ReLU()]
        for a, b in pairwise(widths):
            layers += [nn.Conv2d(a, b, 4, 2, 1, bias=False), BatchNorm2d(b), nn.ReLU()]
        self.body = nn.Sequential(*layers, nn.Flatten())
        self.head = Entry(widths[-1] * base * base, d_out, classes)
        channels_last(self)

    def forward(self, x: Float[Tensor, "n c h w"], y: Labels = None) -> Float[Tensor, "n d_out"]:
        return self.head(self.body(x), y)


class ConvDecoder(nn.Module):
    """Latent vectors to `outputs` numbers a pixel and channel: (n, outputs · c, h, w)."""

    def __init__(
        self, shape: tuple[int, ...], *, d_z: int, outputs: int = 1, width: int = 32, classes: int = 0
    ) -> None:
        super().__init__()
        channels, base, widths = stages(shape, width)
        wide = widths[::-1]
        self.start = (wide[0], base, base)
        self.entry = Entry(d_z, wide[0] * base * base, classes, bias=False)
        layers: list[nn.Module] = [BatchNorm2d(wide[0]), nn.ReLU()]
        for a, b in pairwise(wide):
            layers += [nn.ConvTranspose2d(a, b, 4, 2, 1, bias=False), BatchNorm2d(b), nn.ReLU()]
        self.body = nn.Sequential(*layers, nn.ConvTranspose2d(wide[-1], outputs * channels, 4, 2, 1))
        channels_last(self)

    def forward(self, z: Float[Tensor, "n d_z"], y: Labels = None) -> Float[Tensor, "n c h w"]:
        return self.body(self.entry(z, y).unflatten(1, self.start))


def encoder_for(event: tuple[int, ...], d_out: int, *, width: int | None = None, classes: int = 0) -> nn.Module:
    """A network from samples (n, *event) to (n, d_out).

    Raises:
        InputError: an image is not of a size that the convolutions take.
    """
    if len(event) == 1:
        return MLP(event[0], d_out, width=width or 128, classes=classes)
    return ConvEncoder(event, d_out, width=width or 32, classes=classes)


def decoder_for(
    event: tuple[int, ...], *, d_z: int, outputs: int = 1, width: int | None = None, classes: int = 0
) -> nn.Module:
    """A network from latent vectors (n, d_z) to `outputs` numbers a dimension of a sample: (n, outputs · c, …).

    Raises:
        InputError: as for `encoder_for`.
    """
    if len(event) == 1:
        return MLP(d_z, outputs * event[0], width=width or 128, classes=classes)
    return ConvDecoder(event, d_z=d_z, outputs=outputs, width=width or 32, classes=classes)
