"""The parts that the generators and critics share: class conditioning, batch statistics, the stages of an image.

    entry        h = W z + v_y                          a class enters a generator as a learned offset
    projection   D(x, y) = ⟨w + v_y, φ(x)⟩ + b                                                      (1)
    statistic    s = mean over features of √(variance over the batch + ε)                           (2)

(1) Takeru Miyato, Masanori Koyama. cGANs with Projection Discriminator. 2018. https://arxiv.org/abs/1802.05637
(2) Tero Karras et al. Progressive Growing of GANs, section 3. 2018. https://arxiv.org/abs/1710.10196
"""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from likeness.errors import InputError
from likeness.ranks import batch_mean, divided, total, whole_batch

Labels = Int[Tensor, " n"] | None


def spectral_normalise(module: nn.Module) -> None:
    """Hold the largest singular value of every linear, convolutional and embedding weight at one.

    Takeru Miyato et al. Spectral Normalization for Generative Adversarial Networks. 2018.
    https://arxiv.org/abs/1802.05957
    """
    for layer in list(module.modules()):
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.Embedding):
            spectral_norm(layer)


def check_labels(y: Tensor | None, classes: int) -> None:
    """Raises InputError where labels are missing, or are given to a network that was built without classes."""
    if classes and y is None:
        raise InputError(f"this network is conditional on {classes} classes: give it labels y")
    if y is not None and not classes:
        raise InputError("labels were given to a network built without classes: build it with classes=k")


def channels_last(module: nn.Module) -> None:
    """Order the weights in memory by place and then by channel, and with them what convolutions make of any input.

    A training step of these networks takes 5 to 25 % less time so, on a CPU.
    """
    module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


class Entry(nn.Module):
    """The first linear layer, with one offset a class where there are classes."""

    def __init__(self, d_in: int, d_out: int, classes: int = 0, bias: bool = True) -> None:
        super().__init__()
        self.linear = nn.Linear(d_in, d_out, bias=bias)
        self.classes = classes
        if classes:
            self.embed = nn.Embedding(classes, d_out)

    def forward(self, x: Float[Tensor, "n d_in"], y: Labels = None) -> Float[Tensor, "n d_out"]:
        check_labels(y, self.classes)
        return self.linear(x) if y is None else self.linear(x) + self.embed(y)


class Projection(nn.Module):
    """The last layer of a critic: features and labels to one logit a sample."""

    def __init__(self, d: int, classes: int = 0) -> None:
        super().__init__()
        self.linear = nn.Linear(d, 1)
        self.classes = classes
        if classes:
            self.embed = nn.Embedding(classes, d)
            nn.init.normal_(self.embed.weight, std=d**-0.5)  # as large as the linear layer's

    def forward(self, features: Float[Tensor, "n d"], y: Labels = None) -> Float[Tensor, " n"]:
        check_labels(y, self.classes)
        logit = self.linear(features).squeeze(1)
        return logit if y is None else logit + (self.embed(y) * features).sum(1)  # (1)


class BatchNorm2d(nn.BatchNorm2d):
    """Batch normalisation by the statistics of the whole batch, also where it is cut into parts.

    Raises:
        InputError: the batch is a single sample, in training.
    """

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        return _by_whole_batch(self, x) if _in_parts(self, x) else super().forward(x)


class BatchNorm1d(nn.BatchNorm1d):
    """As `BatchNorm2d`, of vectors."""

    def forward(self, x: Float[Tensor, "n c"]) -> Float[Tensor, "n c"]:
        return _by_whole_batch(self, x) if _in_parts(self, x) else super().forward(x)


def _in_parts(norm: nn.BatchNorm1d | nn.BatchNorm2d, x: Tensor) -> bool:
    if norm.training and whole_batch(len(x)) < 2:
        raise InputError(
            "a batch of 1 sample in training: batch normalisation compares samples, give it batches of 2 or more; to "
            "use what was trained, call eval() first"
        )
    return norm.training and divided()


def _by_whole_batch(norm: nn.BatchNorm1d | nn.BatchNorm2d, x: Tensor) -> Tensor:
    mean, var, momentum, seen = norm.running_mean, norm.running_var, norm.momentum, norm.num_batches_tracked
    assert mean is not None
    assert var is not None
    assert momentum is not None
    assert seen is not None
    places, spread = (0, *range(2, x.ndim)), (-1, *[1] * (x.ndim - 2))
    near, count = mean.clone(), whole_batch(len(x)) * x[0, 0].numel()
    d = x.to(near.dtype) - near.view(spread)  # from a mean that all have, so that one message tells both moments
    first, second = (total(torch.stack((d.sum(places), d.square().sum(places))).double()) / count).unbind()
    batch_mean, variance = (near + first).to(near.dtype), (second - first.square()).to(near.dtype)
    with torch.no_grad():
        mean.lerp_(batch_mean, momentum)
        var.lerp_(variance * count / (count - 1), momentum)
        seen += 1
    scale = norm.weight * (variance + norm.eps).rsqrt()
    return x * scale.view(spread) + (norm.bias - batch_mean * scale).view(spread)


def convolved(a: int, b: int) -> list[nn.Module]:
    """A 3×3 convolution of a to b channels, normalised and rectified; the size stays."""
    return [nn.Conv2d(a, b, 3, padding=1, bias=False), BatchNorm2d(b), nn.ReLU()]


class MinibatchStd(nn.Module):
    """Appends the spread of the batch as one more channel, by which a critic sees a collapsed generator.

    In training every sample's output depends on its batch. In evaluation mode the channel holds the running
    mean of what training saw, so that a sample's logit is a function of that sample alone.
    """

    mean: Tensor

    def __init__(self, momentum: float = 0.01) -> None:
        super().__init__()
        self.momentum = momentum
        self.register_buffer("mean", torch.ones(()))

    def forward(self, x: Float[Tensor, " n c *hw"]) -> Float[Tensor, " n c1 *hw"]:
        if not self.training:
            return torch.cat((x, self.mean.to(x.dtype).expand_as(x[:, :1])), dim=1)
        exact = x.to(self.mean.dtype)
        variance = batch_mean((exact - batch_mean(exact)).square())
        s = (variance + 1e-8).sqrt().mean()  # (2)
        self.mean = self.mean.lerp(s.detach(), self.momentum)
        return torch.cat((x, s.to(x.dtype).expand_as(x[:, :1])), dim=1)


class Stages(NamedTuple):
    """How an image is halved: its channels, the side at the coarse end, and one width a halving, finest first."""

    channels: int
    base: int
    widths: tuple[int, ...]


def stages(shape: tuple[int, ...], width: int) -> Stages:
    """The halvings of a square image whose side is 2 to 7 times a power of two; widths double up to eightfold.

    Raises:
        InputError: the shape is not (c, h, w), not square, below 8 or above 128, or cannot be halved that far.
    """
    if len(shape) != 3:
        raise InputError(f"image shape {shape}: give (channels, height, width)")
    channels, side, across = shape
    if side != across:
        raise InputError(f"images of {side}×{across} are not square: crop or resize them to {min(side, across)} first")
    if not 8 <= side <= 128:
        raise InputError(f"images of {side}×{side}: these networks take sides from 8 to 128, resize the images")
    base, halvings = side, 0
    while base > 7 or (halvings < 2 and base % 2 == 0):
        if base % 2:
            near = " or ".join(str(s) for s in _nearest(side))
            raise InputError(f"images of {side}×{side} cannot be halved down to a side of 7 or less: resize to {near}")
        base, halvings = base // 2, halvings + 1
    return Stages(channels, base, tuple(width * min(2**i, 8) for i in range(halvings)))


def _nearest(side: int) -> tuple[int, int]:
    """The nearest sides that can be halved, below and above one that cannot."""
    sides = [odd * 2**k for odd in (4, 5, 6, 7) for k in range(1, 6) if odd * 2**k <= 128]
    return max(s for s in sides if s < side), min(s for s in sides if s > side)
