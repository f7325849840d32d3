"""VGG: blocks of 3×3 convolutions, then two wide layers that hold nine tenths of the parameters.

    two 3×3 convolutions see 5×5 pixels with 18 c² weights instead of 25 c², three see 7×7 with 27 c² instead of 49 c²

The features are those of fc2, the layer before the classes, which is what feature extraction takes. Tensors are named
as torchvision names them, so that `foreign.published` reads the files that exist.

Karen Simonyan, Andrew Zisserman. Very Deep Convolutional Networks for Large-Scale Image Recognition. 2015.
https://arxiv.org/abs/1409.1556
"""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from likeness.errors import InputError
from likeness.nn.dropout import Dropout


class VGG(nn.Module):
    """Images (n, channels, h, w), best of 224×224, to d = 4096 features.

    Args:
        channels: of an image.
        blocks: convolutions of each block; after a block comes a maximum of 2×2.
        dropout: after each of the two wide layers.

    Raises:
        InputError: an image cannot be halved by every block.
    """

    def __init__(self, channels: int, blocks: Sequence[int], *, dropout: float = 0.5) -> None:
        super().__init__()
        self.d, self.least = 4096, 2 ** len(blocks)
        layers: list[nn.Module] = []
        a = channels
        for k, count in enumerate(blocks):
            b = 64 * min(2**k, 8)
            for _ in range(count):
                layers += [nn.Conv2d(a, b, 3, padding=1), nn.ReLU()]
                a = b
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Linear(a * 7 * 7, 4096), nn.ReLU(), Dropout(dropout), nn.Linear(4096, 4096), nn.ReLU(), Dropout(dropout)
        )

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d"]:
        if min(x.shape[2:]) < self.least:
            raise InputError(f"images of {x.shape[2]}×{x.shape[3]}: {self.least} pixels or more a side, resize them")
        return self.classifier(adaptive_avg_pool2d(self.features(x), 7).flatten(1))


def vgg16(channels: int = 3, *, dropout: float = 0.5) -> VGG:
    """134 260 544 parameters; 138 357 544 with the layer of 1000 classes."""
    return VGG(channels, (2, 2, 3, 3, 3), dropout=dropout)


def vgg19(channels: int = 3, *, dropout: float = 0.5) -> VGG:
    """139 570 240 parameters; 143 667 240 with the layer of 1000 classes."""
    return VGG(channels, (2, 2, 4, 4, 4), dropout=dropout)
