"""The first network of a course: four convolutions that read handwritten digits, with 19 082 parameters.

    28×28×1 → conv 32 → conv 32 → dropout → maximum of 2×2 → conv 16 → conv 16 → dropout → maximum → 256 → 10

Every convolution is of 3×3 without padding, and rectified. The last layer is `heads.linear_head(256, 10)`.

It descends from LeNet-5: Yann LeCun, Léon Bottou, Yoshua Bengio, Patrick Haffner. Gradient-Based Learning Applied to
Document Recognition. 1998. https://doi.org/10.1109/5.726791
"""

from jaxtyping import Float
from torch import Tensor, nn

from likeness.errors import InputError
from likeness.nn.dropout import Dropout


class CourseCNN(nn.Module):
    """Images (n, channels, side, side) to d features, 256 of 28×28 pixels.

    Args:
        channels: of an image.
        side: of an image, in pixels.
        dropout: before each of the two maxima. The course does not say how much; 0.25 is usual.

    Raises:
        InputError: the side is below 16, or images are of another size than was said.
    """

    def __init__(self, channels: int = 1, *, side: int = 28, dropout: float = 0.25) -> None:
        super().__init__()
        left = ((side - 4) // 2 - 4) // 2
        if left < 1:
            raise InputError(f"images of {side}×{side} are too small for four unpadded convolutions: 16 pixels or more")
        self.event, self.d = (channels, side, side), 16 * left * left
        self.body = nn.Sequential(
            nn.Conv2d(channels, 32, 3), nn.ReLU(), nn.Conv2d(32, 32, 3), nn.ReLU(), Dropout(dropout), nn.MaxPool2d(2),
            nn.Conv2d(32, 16, 3), nn.ReLU(), nn.Conv2d(16, 16, 3), nn.ReLU(), Dropout(dropout), nn.MaxPool2d(2),
            nn.Flatten(),
        )  # fmt: skip

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d"]:
        if tuple(x.shape[1:]) != self.event:
            raise InputError(f"images of shape {tuple(x.shape[1:])}: this network was built for {self.event}")
        return self.body(x)
