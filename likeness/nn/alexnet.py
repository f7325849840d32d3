"""AlexNet, and the small one that alignment and uniformity were learned with; their features are those of fc7.

    a ← a / (k + α Σ a_j²)^β,    over n channels around one's own                                   (1)

The first has kernels of 11×11 by steps of four, (1) after each of its first two convolutions, and overlapping maxima.
In the paper two GPUs held half the channels each, and met in three of the layers: `groups=2`. The paper says images of
224×224; its own sizes (55×55 after the first layer) need 227. The small one has 3×3 kernels, batch normalisation, and
images of 64×64.

Alex Krizhevsky, Ilya Sutskever, Geoffrey Hinton. ImageNet Classification with Deep Convolutional Neural Networks. 2012.
https://papers.nips.cc/paper/4824-imagenet-classification-with-deep-convolutional-neural-networks
Tongzhou Wang, Phillip Isola. Understanding Contrastive Representation Learning through Alignment and Uniformity on the
Hypersphere. 2020. https://arxiv.org/abs/2005.10242
"""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from likeness.errors import InputError
from likeness.nn.blocks import BatchNorm1d, channels_last, convolved
from likeness.nn.dropout import Dropout


class AlexNet(nn.Module):
    """Images (n, channels, h, w), best of 227×227, to d = 4096 features.

    Args:
        channels: of an image.
        groups: 2 for halves of the channels that see nothing of each other but in the third convolution.
        dropout: before fc6 and before fc7.

    Raises:
        InputError: an image has fewer than 67 rows or columns.
    """

    def __init__(self, channels: int = 3, *, groups: int = 1, dropout: float = 0.5) -> None:
        super().__init__()
        self.d = 4096
        self.convolutions = nn.Sequential(
            nn.Conv2d(channels, 96, 11, 4), nn.ReLU(), _respond(), nn.MaxPool2d(3, 2),
            nn.Conv2d(96, 256, 5, padding=2, groups=groups), nn.ReLU(), _respond(), nn.MaxPool2d(3, 2),
            nn.Conv2d(256, 384, 3, padding=1), nn.ReLU(),
            nn.Conv2d(384, 384, 3, padding=1, groups=groups), nn.ReLU(),
            nn.Conv2d(384, 256, 3, padding=1, groups=groups), nn.ReLU(), nn.MaxPool2d(3, 2),
        )  # fmt: skip
        self.fc6 = nn.Sequential(Dropout(dropout), nn.Linear(256 * 6 * 6, 4096), nn.ReLU())
        self.fc7 = nn.Sequential(Dropout(dropout), nn.Linear(4096, 4096), nn.ReLU())

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d"]:
        _check(x, 67)
        return self.fc7(self.fc6(adaptive_avg_pool2d(self.convolutions(x), 6).flatten(1)))


class SmallAlexNet(nn.Module):
    """Images (n, channels, h, w), best of 64×64, to `d` features; a linear projection to 128 was learned on them.

    Args:
        channels: of an image.
        d: units of fc6 and of fc7.

    Raises:
        InputError: an image has fewer than 15 rows or columns.
    """

    def __init__(self, channels: int = 3, *, d: int = 4096) -> None:
        super().__init__()
        self.d = d
        self.convolutions = nn.Sequential(
            *convolved(channels, 96), nn.MaxPool2d(3, 2),
            *convolved(96, 192), nn.MaxPool2d(3, 2),
            *convolved(192, 384), *convolved(384, 384), *convolved(384, 192), nn.MaxPool2d(3, 2),
        )  # fmt: skip
        self.fc6 = nn.Sequential(nn.Linear(192 * 7 * 7, d, bias=False), BatchNorm1d(d), nn.ReLU())
        self.fc7 = nn.Sequential(nn.Linear(d, d, bias=False), BatchNorm1d(d), nn.ReLU())
        for part in self.modules():
            if isinstance(part, nn.Conv2d | nn.Linear):
                nn.init.normal_(part.weight, std=0.02)
        channels_last(self)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d"]:
        _check(x, 15)
        return self.fc7(self.fc6(adaptive_avg_pool2d(self.convolutions(x), 7).flatten(1)))


def _respond() -> nn.Module:
    """(1) with k = 2, n = 5, α = 1e-4, β = 0.75; torch divides α by n, the paper does not."""
    return nn.LocalResponseNorm(5, alpha=5 * 1e-4, beta=0.75, k=2.0)  # (1)


def _check(x: Tensor, least: int) -> None:
    if min(x.shape[2:]) < least:
        raise InputError(f"images of {x.shape[2]}×{x.shape[3]}: resize them to {least}×{least} or more")
