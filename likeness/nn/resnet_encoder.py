"""Residual networks as encoders: ResNet-18, -34 and -50, for photographs and for small images.

    y = relu(F(x) + x),     F(x) = BatchNorm(W₂ ∗ relu(BatchNorm(W₁ ∗ x)))                          (1)
    bottleneck   F of three convolutions: 1×1 to a quarter of the channels, 3×3, 1×1 back           (2)

Where F changes the size, the way round it is a 1×1 convolution. A block that has nothing to learn passes on what it is
given: of 56 plain layers the error in training is above that of 20, of 56 residual ones below.

The stem of photographs halves twice (7×7 by steps of two, and a maximum); that of small images is one 3×3 convolution,
as SimCLR has it on CIFAR. Tensors are named as torchvision names them, and a bottleneck steps in its 3×3 convolution as
theirs does, so that `foreign.published` reads the files that exist.

Kaiming He, Xiangyu Zhang, Shaoqing Ren, Jian Sun. Deep Residual Learning for Image Recognition. 2016.
https://arxiv.org/abs/1512.03385
"""

from collections.abc import Callable, Sequence

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import relu

from likeness.errors import InputError
from likeness.nn.blocks import BatchNorm2d, channels_last


class Basic(nn.Module):
    """Two 3×3 convolutions and the way round them; without it where the network is a plain one."""

    wider = 1

    def __init__(self, a: int, width: int, stride: int, residual: bool = True) -> None:
        super().__init__()
        self.residual = residual
        self.conv1 = nn.Conv2d(a, width, 3, stride, 1, bias=False)
        self.bn1 = BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = BatchNorm2d(width)
        self.downsample = _way_round(a, width, stride) if residual else None

    def forward(self, x: Float[Tensor, "n a h w"]) -> Float[Tensor, "n b h2 w2"]:
        y = self.bn2(self.conv2(relu(self.bn1(self.conv1(x)))))
        if not self.residual:
            return relu(y)
        return relu(y + (x if self.downsample is None else self.downsample(x)))  # (1)


class Bottleneck(nn.Module):
    """1×1, 3×3 and 1×1 convolutions, the last to four times the width, and the way round them."""

    wider = 4

    def __init__(self, a: int, width: int, stride: int) -> None:
        super().__init__()
        b = 4 * width
        self.conv1, self.bn1 = nn.Conv2d(a, width, 1, bias=False), BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, bias=False), BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, b, 1, bias=False), BatchNorm2d(b)
        self.downsample = _way_round(a, b, stride)

    def forward(self, x: Float[Tensor, "n a h w"]) -> Float[Tensor, "n b h2 w2"]:
        y = relu(self.bn2(self.conv2(relu(self.bn1(self.conv1(x))))))
        return relu(self.bn3(self.conv3(y)) + (x if self.downsample is None else self.downsample(x)))  # (2)


class ResNetEncoder(nn.Module):
    """Images (n, channels, h, w) of any size to `d` features, the mean over places of the last block.

    Args:
        channels: of an image.
        block: `Basic` or `Bottleneck`: built of channels, width and stride.
        blocks: how many there are in each stage; every stage but the first halves the image.
        width: of the first stage, doubled by each one after it.
        small: the stem of small images.
    """

    def __init__(
        self,
        channels: int,
        block: Callable[[int, int, int], nn.Module],
        blocks: Sequence[int],
        *,
        width: int = 64,
        small: bool = False,
    ) -> None:
        super().__init__()
        size, stride = (3, 1) if small else (7, 2)
        self.conv1 = nn.Conv2d(channels, width, size, stride, size // 2, bias=False)
        self.bn1 = BatchNorm2d(width)
        self.maxpool = nn.Identity() if small else nn.MaxPool2d(3, 2, 1)
        a, self.stages = width, len(blocks)
        for k, count in enumerate(blocks):
            made: list[nn.Module] = []
            for i in range(count):
                made.append(block(a, width * 2**k, 2 if k and not i else 1))
                a = width * 2**k * int(getattr(made[-1], "wider", 1))
            self.add_module(f"layer{k + 1}", nn.Sequential(*made))
        self.d = a
        for part in self.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")
        channels_last(self)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d"]:
        h = self.maxpool(relu(self.bn1(self.conv1(x))))
        for k in range(self.stages):
            h = self.get_submodule(f"layer{k + 1}")(h)
        return h.mean((2, 3))


def resnet18(channels: int = 3, *, width: int = 64, small: bool = False) -> ResNetEncoder:
    """11.2 million parameters; d = 8 · width = 512."""
    return ResNetEncoder(channels, Basic, (2, 2, 2, 2), width=width, small=small)


def resnet34(channels: int = 3, *, width: int = 64, small: bool = False) -> ResNetEncoder:
    """21.3 million parameters; d = 8 · width = 512."""
    return ResNetEncoder(channels, Basic, (3, 4, 6, 3), width=width, small=small)


def resnet50(channels: int = 3, *, width: int = 64, small: bool = False) -> ResNetEncoder:
    """23.5 million parameters; d = 32 · width = 2048."""
    return ResNetEncoder(channels, Bottleneck, (3, 4, 6, 3), width=width, small=small)


def resnet_cifar(depth: int, channels: int = 3, *, width: int = 16, residual: bool = True) -> ResNetEncoder:
    """The paper's networks of 6k + 2 layers for images of CIFAR's size, or the plain ones that it holds against them.

    Raises:
        InputError: another depth.
    """
    if depth < 8 or depth % 6 != 2:
        raise InputError(f"a residual network of {depth} layers: give 6 k + 2, such as 20, 32 or 56")

    def block(a: int, width: int, stride: int) -> Basic:
        return Basic(a, width, stride, residual)

    return ResNetEncoder(channels, block, 3 * [depth // 6], width=width, small=True)


def _way_round(a: int, b: int, stride: int) -> nn.Module | None:
    if stride == 1 and a == b:
        return None
    return nn.Sequential(nn.Conv2d(a, b, 1, stride, bias=False), BatchNorm2d(b))
