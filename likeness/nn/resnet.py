"""Residual generator and critic for square images from 8×8 to 128×128, after those of spectrally normalised GANs.

Takeru Miyato, Toshiki Kataoka, Masanori Koyama, Yuichi Yoshida. Spectral Normalization for Generative
Adversarial Networks, appendix B.4. 2018. https://arxiv.org/abs/1802.05957
"""

from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, relu

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


class UpBlock(nn.Module):
    """Twice the resolution: x + two convolutions of it, each after batch normalisation and ReLU."""

    def __init__(self, a: int, b: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList((BatchNorm2d(a), BatchNorm2d(b)))
        self.convolutions = nn.ModuleList((nn.Conv2d(a, b, 3, padding=1, bias=False), nn.Conv2d(b, b, 3, padding=1)))
        self.skip = nn.Conv2d(a, b, 1)

    def forward(self, x: Float[Tensor, "n a h w"]) -> Float[Tensor, "n b h2 w2"]:
        h = self.convolutions[0](interpolate(relu(self.norms[0](x)), scale_factor=2))
        h = self.convolutions[1](relu(self.norms[1](h)))
        return h + interpolate(self.skip(x), scale_factor=2)


class DownBlock(nn.Module):
    """Half the resolution: x + two convolutions of it, then the mean of each 2×2; the first block takes raw pixels."""

    def __init__(self, a: int, b: int, first: bool = False) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList((nn.Conv2d(a, b, 3, padding=1), nn.Conv2d(b, b, 3, padding=1)))
        self.skip = nn.Conv2d(a, b, 1)
        self.first = first

    def forward(self, x: Float[Tensor, "n a h w"]) -> Float[Tensor, "n b h2 w2"]:
        h = self.convolutions[0](x if self.first else relu(x))
        h = avg_pool2d(self.convolutions[1](relu(h)), 2)
        return h + self.skip(avg_pool2d(x, 2))


class ResidualGenerator(nn.Module):
    """Latent vectors to images in [-1, 1]; `width` channels at full resolution, doubling below."""

    def __init__(self, shape: tuple[int, ...], *, d_z: int = 128, width: int = 64, classes: int = 0) -> None:
        super().__init__()
        channels, base, widths = stages(shape, width)
        wide = (widths[-1], *widths[::-1])
        self.start = (wide[0], base, base)
        self.entry = Entry(d_z, wide[0] * base * base, classes)
        self.blocks = nn.Sequential(*(UpBlock(a, b) for a, b in pairwise(wide)))
        self.out = nn.Sequential(BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, channels, 3, padding=1), nn.Tanh())
        channels_last(self)

    def forward(self, z: Float[Tensor, "n d_z"], y: Labels = None) -> Float[Tensor, "n c h w"]:
        return self.out(self.blocks(self.entry(z, y).unflatten(1, self.start)))


class ResidualCritic(nn.Module):
    """Images to one logit each, positive for real; `width` channels at half the full resolution.

    With `minibatch_std` the last block sees the spread of the batch (see `MinibatchStd`).
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
        channels, _, widths = stages(shape, width)
        layers: list[nn.Module] = []
        for i, (a, b) in enumerate(pairwise((channels, *widths))):
            spread = minibatch_std and i == len(widths) - 1
            layers += [MinibatchStd()] if spread else []
            layers += [DownBlock(a + spread, b, first=i == 0)]
        self.blocks = nn.Sequential(*layers, nn.ReLU())
        self.feature_size = widths[-1]
        self.head = Projection(self.feature_size, classes)
        if spectral:
            spectral_normalise(self)
        channels_last(self)

    def features(self, x: Float[Tensor, "n c h w"], y: Labels = None) -> Float[Tensor, "n f"]:
        """The last block's output summed over places; labels enter only after it."""
        return self.blocks(x).sum((2, 3))

    def forward(self, x: Float[Tensor, "n c h w"], y: Labels = None) -> Float[Tensor, " n"]:
        return self.head(self.features(x), y)
