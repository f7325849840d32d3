"""An encoder of small images for a laptop: three convolutions, each normalised, the features averaged over places.

    h ← pool(relu(BatchNorm(W ∗ h))),  twice;   f(x) = mean over places of relu(BatchNorm(W ∗ h))   (1)

Sergey Ioffe, Christian Szegedy. Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate
Shift. 2015. https://arxiv.org/abs/1502.03167
Min Lin, Qiang Chen, Shuicheng Yan. Network In Network (the mean over places). 2014. https://arxiv.org/abs/1312.4400
"""

from jaxtyping import Float
from torch import Tensor, nn

from likeness.errors import InputError
from likeness.nn.blocks import channels_last, convolved


class SmallCNN(nn.Module):
    """Images (n, channels, h, w), of 4×4 pixels or more, to `d` features that are zero or positive.

    Args:
        channels: of an image.
        width: channels after the first convolution; twice as many after the second.
        d: channels after the third, and so the size of a feature vector.

    Raises:
        InputError: an image has fewer than 4 rows or columns.
    """

    def __init__(self, channels: int, *, width: int = 32, d: int = 128) -> None:
        super().__init__()
        self.d = d
        self.body = nn.Sequential(
            *convolved(channels, width), nn.MaxPool2d(2),
            *convolved(width, 2 * width), nn.MaxPool2d(2),
            *convolved(2 * width, d),
        )  # fmt: skip
        channels_last(self)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d"]:
        if min(x.shape[2:]) < 4:
            raise InputError(f"images of {x.shape[2]}×{x.shape[3]} are halved twice: give 4×4 pixels or more")
        return self.body(x).mean((2, 3))  # (1)
