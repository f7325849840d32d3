"""Inception-v3 as the field's Fréchet inception distance uses it: the 2015 TensorFlow weights and their quirks.

Differences from the usual Inception-v3: 1008 classes, average pools that leave the padding out of the mean, and a
maximum where the last block should average. Module names follow the published weight file (pytorch-fid, torch-fidelity)
so that its tensors fit. The file is known by the first eight digits of its SHA-256.

Images in [−1, 1] are rounded to 8 bits as files would be, grey ones get three equal channels, all are resized to
299 × 299 (bilinear, with antialiasing). Other resizing gives other numbers; the protocol says which was used.

Christian Szegedy et al. Rethinking the Inception Architecture for Computer Vision. 2015.
https://arxiv.org/abs/1512.00567
Gaurav Parmar, Richard Zhang, Jun-Yan Zhu. On Aliased Resizing and Surprising Subtleties in GAN Evaluation. 2022.
https://arxiv.org/abs/2104.11222
"""

from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from likeness.errors import InputError

SIDE = 299
Pool = Callable[[Tensor], Tensor]


def mean_pool(x: Tensor) -> Tensor:
    """3 × 3 average around each place, of the places that exist."""
    return F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)


def max_pool(x: Tensor) -> Tensor:
    """3 × 3 maximum around each place."""
    return F.max_pool2d(x, 3, stride=1, padding=1)


class Conv(nn.Module):
    """Convolution, batch normalisation, rectifier."""

    def __init__(self, d_in: int, d_out: int, kernel: int | tuple[int, int], *, stride: int = 1, same: bool = False):
        super().__init__()
        sides = (kernel, kernel) if isinstance(kernel, int) else kernel
        padding = (sides[0] // 2, sides[1] // 2) if same else 0
        self.conv = nn.Conv2d(d_in, d_out, kernel, stride=stride, padding=padding, bias=False)
        self.bn = nn.BatchNorm2d(d_out, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


class MixedA(nn.Module):
    """35 × 35: 1 × 1, 5 × 5, double 3 × 3 and pooled branches."""

    def __init__(self, d: int, d_pool: int) -> None:
        super().__init__()
        self.branch1x1 = Conv(d, 64, 1)
        self.branch5x5_1, self.branch5x5_2 = Conv(d, 48, 1), Conv(48, 64, 5, same=True)
        self.branch3x3dbl_1, self.branch3x3dbl_2 = Conv(d, 64, 1), Conv(64, 96, 3, same=True)
        self.branch3x3dbl_3 = Conv(96, 96, 3, same=True)
        self.branch_pool = Conv(d, d_pool, 1)

    def forward(self, x: Tensor) -> Tensor:
        five = self.branch5x5_2(self.branch5x5_1(x))
        three = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat((self.branch1x1(x), five, three, self.branch_pool(mean_pool(x))), 1)


class MixedB(nn.Module):
    """35 × 35 to 17 × 17."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.branch3x3 = Conv(d, 384, 3, stride=2)
        self.branch3x3dbl_1, self.branch3x3dbl_2 = Conv(d, 64, 1), Conv(64, 96, 3, same=True)
        self.branch3x3dbl_3 = Conv(96, 96, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat((self.branch3x3(x), double, F.max_pool2d(x, 3, stride=2)), 1)


class MixedC(nn.Module):
    """17 × 17: 7 × 7 convolutions as pairs of 1 × 7 and 7 × 1."""

    def __init__(self, d: int, c7: int) -> None:
        super().__init__()
        row, column = (1, 7), (7, 1)
        self.branch1x1 = Conv(d, 192, 1)
        self.branch7x7_1, self.branch7x7_2 = Conv(d, c7, 1), Conv(c7, c7, row, same=True)
        self.branch7x7_3 = Conv(c7, 192, column, same=True)
        self.branch7x7dbl_1, self.branch7x7dbl_2 = Conv(d, c7, 1), Conv(c7, c7, column, same=True)
        self.branch7x7dbl_3, self.branch7x7dbl_4 = Conv(c7, c7, row, same=True), Conv(c7, c7, column, same=True)
        self.branch7x7dbl_5 = Conv(c7, 192, row, same=True)
        self.branch_pool = Conv(d, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        seven = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x)))
        double = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        double = self.branch7x7dbl_5(self.branch7x7dbl_4(double))
        return torch.cat((self.branch1x1(x), seven, double, self.branch_pool(mean_pool(x))), 1)


class MixedD(nn.Module):
    """17 × 17 to 8 × 8."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.branch3x3_1, self.branch3x3_2 = Conv(d, 192, 1), Conv(192, 320, 3, stride=2)
        self.branch7x7x3_1, self.branch7x7x3_2 = Conv(d, 192, 1), Conv(192, 192, (1, 7), same=True)
        self.branch7x7x3_3 = Conv(192, 192, (7, 1), same=True)
        self.branch7x7x3_4 = Conv(192, 192, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        seven = self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(x)))
        return torch.cat((self.branch3x3_2(self.branch3x3_1(x)), self.branch7x7x3_4(seven), F.max_pool2d(x, 3, 2)), 1)


class MixedE(nn.Module):
    """8 × 8: branches that fork into 1 × 3 and 3 × 1; `pool` is the mean in the first and the maximum in the last."""

    def __init__(self, d: int, pool: Pool) -> None:
        super().__init__()
        self.pool = pool
        self.branch1x1, self.branch3x3_1 = Conv(d, 320, 1), Conv(d, 384, 1)
        self.branch3x3_2a, self.branch3x3_2b = Conv(384, 384, (1, 3), same=True), Conv(384, 384, (3, 1), same=True)
        self.branch3x3dbl_1, self.branch3x3dbl_2 = Conv(d, 448, 1), Conv(448, 384, 3, same=True)
        self.branch3x3dbl_3a = Conv(384, 384, (1, 3), same=True)
        self.branch3x3dbl_3b = Conv(384, 384, (3, 1), same=True)
        self.branch_pool = Conv(d, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        three = self.branch3x3_1(x)
        double = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        forks = [self.branch3x3_2a(three), self.branch3x3_2b(three)]
        forks += [self.branch3x3dbl_3a(double), self.branch3x3dbl_3b(double)]
        return torch.cat((self.branch1x1(x), *forks, self.branch_pool(self.pool(x))), 1)


class InceptionV3(nn.Module):
    """Images (n, 1 or 3, h, w) in [−1, 1] to features (n, 2048)."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3, self.Conv2d_2a_3x3 = Conv(3, 32, 3, stride=2), Conv(32, 32, 3)
        self.Conv2d_2b_3x3 = Conv(32, 64, 3, same=True)
        self.Conv2d_3b_1x1, self.Conv2d_4a_3x3 = Conv(64, 80, 1), Conv(80, 192, 3)
        self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = MixedA(192, 32), MixedA(256, 64), MixedA(288, 64)
        self.Mixed_6a = MixedB(288)
        self.Mixed_6b, self.Mixed_6c = MixedC(768, 128), MixedC(768, 160)
        self.Mixed_6d, self.Mixed_6e = MixedC(768, 160), MixedC(768, 192)
        self.Mixed_7a = MixedD(768)
        self.Mixed_7b, self.Mixed_7c = MixedE(1280, mean_pool), MixedE(2048, max_pool)
        self.fc = nn.Linear(2048, 1008)

    def forward(self, x: Tensor) -> Tensor:
        x = prepare(x)
        x = F.max_pool2d(self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x))), 3, 2)
        x = F.max_pool2d(self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(x)), 3, 2)
        for name in ("5b", "5c", "5d", "6a", "6b", "6c", "6d", "6e", "7a", "7b", "7c"):
            x = self.get_submodule(f"Mixed_{name}")(x)
        return x.mean((2, 3))

    def probabilities(self, features: Tensor) -> Tensor:
        """`(n, 1008)`; without the bias of the last layer, as the published Inception scores have it."""
        self.fc.to(features.device)
        with torch.no_grad():
            return F.linear(features, self.fc.weight).softmax(1)


def prepare(x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 3 299 299"]:
    """Images in [−1, 1] as the network wants them: 8 bits, three channels, 299 × 299, scaled by (v − 128) / 128.

    Raises:
        InputError: the images have neither one channel nor three.
    """
    if x.ndim != 4 or x.shape[1] not in (1, 3):
        raise InputError(f"Inception features are of images (n, 1 or 3, h, w), got {tuple(x.shape)}: use raw or pca")
    levels = ((x.float() + 1) * 127.5).round().clamp(0, 255).expand(-1, 3, -1, -1)
    resized = F.interpolate(levels, size=(SIDE, SIDE), mode="bilinear", align_corners=False, antialias=True)
    return (resized - 128) / 128


def network_of(tensors: Mapping[str, Tensor]) -> InceptionV3:
    """The network with the given weights.

    Raises:
        InputError: the tensors are not those of the published file.
    """
    network = InceptionV3()
    # The published file is older than the batch counters of normalisation layers.
    counters = {k: v for k, v in network.state_dict().items() if k.endswith("num_batches_tracked")}
    try:
        network.load_state_dict(counters | dict(tensors))
    except RuntimeError as error:
        raise InputError(f"these are no Inception-v3 weights of the Fréchet distance: {_first(error)}") from None
    return network.eval().requires_grad_(False)


def _first(error: RuntimeError) -> str:
    return " ".join(str(error).split())[:200]
