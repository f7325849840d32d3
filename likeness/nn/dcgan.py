"""Convolutional generator and critic in the manner of DCGAN, for square images from 8×8 to 128×128.

Strided convolutions change the resolution, the generator ends in tanh, weights start as N(0, 0.02²). Two things
differ from the paper, both so that one sample's logit is a function of that sample: the critic has no batch
normalisation (spectral normalisation is offered instead), and a class enters by projection.

Alec Radford, Luke Metz, Soumith Chintala. Unsupervised Representation Learning with Deep Convolutional
Generative Adversarial Networks. 2016. https://arxiv.org/abs/1511.06434
"""

from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn

from likeness.nn.blocks import (
    BatchNorm2d,
    Entry,
    Labels,
    MinibatchStd,
    Projection,
    channels_last,
    spectral_normalise,
    stages,
)


class ConvGenerator(nn.Module):
    """Latent vectors to images in [-1, 1]; `width` channels at half the full resolution, doubling below."""

    def __init__(self, shape: tuple[int, ...], *, d_z: int = 100, width: int = 64, classes: int = 0) -> None:
        super().__init__()
        channels, base, widths = stages(shape, width)
        wide = widths[::-1]
        self.start = (wide[0], base, base)
        self.entry = Entry(d_z, wide[0] * base * base, classes, bias=False)
        layers: list[nn.Module] = [BatchNorm2d(wide[0]), nn.ReLU()]
        for a, b in pairwise(wide):
            layers += [nn.ConvTranspose2d(a, b, 4, 2, 1, bias=False), BatchNorm2d(b), nn.ReLU()]
        self.body = nn.Sequential(*layers, nn.ConvTranspose2d(wide[-1], channels, 4, 2, 1), nn.Tanh())
        self.apply(_small)
        if classes:
            nn.init.normal_(self.entry.embed.weight, std=0.02 * d_z**0.5)  # a class counts as much as z
        channels_last(self)

    def forward(self, z: Float[Tensor, "n d_z"], y: Labels = None) -> Float[Tensor, "n c h w"]:
        return self.body(self.entry(z, y).unflatten(1, self.start))


class ConvCritic(nn.Module):
    """Images to one logit each, positive for real; `width` channels at half the full resolution.

    With `minibatch_std` the last convolution sees the spread of the batch (see `MinibatchStd`).
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        *,
        width: int = 64,
        classes: int = 0,
        spectral: bool = False,
        minibatch_std: bool = False,
    ) -> None:
        super().__init__()
        channels, base, widths = stages(shape, width)
        layers: list[nn.Module] = []
        for i, (a, b) in enumerate(pairwise((channels, *widths))):
            spread = minibatch_std and i == len(widths) - 1
            layers += [MinibatchStd()] if spread else []
            layers += [nn.Conv2d(a + spread, b, 4, 2, 1), nn.LeakyReLU(0.2)]
        self.body = nn.Sequential(*layers, nn.Flatten())
        self.feature_size = widths[-1] * base * base
        self.head = Projection(self.feature_size, classes)
        self.apply(_small)
        if spectral:
            spectral_normalise(self)
        channels_last(self)

    def features(self, x: Float[Tensor, "n c h w"], y: Labels = None) -> Float[Tensor, "n f"]:
        """The last convolution's output, flattened; labels enter only after it."""
        return self.body(x)

    def forward(self, x: Float[Tensor, "n c h w"], y: Labels = None) -> Float[Tensor, " n"]:
        return self.head(self.features(x), y)


def _small(layer: nn.Module) -> None:
    """The paper's first weights."""
    if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(layer.weight, std=0.02)
    elif isinstance(layer, BatchNorm2d):
        nn.init.normal_(layer.weight, 1.0, 0.02)
