"""The parts of the U-Net of ablated diffusion models.

    AdaGN(h, e) = (1 + s) GroupNorm(h) + b,   (s, b) = W silu(e)                                    (1)
    residual    h = conv(silu(GN x)) [x and h halved or doubled before];  x + conv₀(dropout(silu(AdaGN(h, e))))  (2)
    attention   x + conv₀(softmax(QᵀK/√c) V),  Q, K, V = conv₁(GN x), each head with its c channels  (3)

conv₀ begins at zero, so that a block begins as the identity.

Prafulla Dhariwal, Alex Nichol. Diffusion Models Beat GANs on Image Synthesis. 2021. https://arxiv.org/abs/2105.05233
Andrew Brock, Jeff Donahue, Karen Simonyan. Large Scale GAN Training for High Fidelity Natural Image Synthesis. 2019.
https://arxiv.org/abs/1809.11096
"""

from math import gcd
from typing import Literal

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, scaled_dot_product_attention, silu

from likeness.errors import InputError
from likeness.nn.dropout import Dropout
from likeness.nn.time_embedding import Modulation

Resample = Literal["up", "down"] | None


def group_norm(channels: int) -> nn.GroupNorm:
    """32 groups as published; fewer for narrow layers, so that a group has four channels or more."""
    wide = channels >= 128 and channels % 32 == 0
    return nn.GroupNorm(32 if wide else gcd(32, max(1, channels // 4)), channels)


def zeroed(layer: nn.Conv2d) -> nn.Conv2d:
    """The layer, which begins at zero."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def resampled(x: Float[Tensor, "n c h w"], way: Resample) -> Float[Tensor, "n c h2 w2"]:
    """Twice the side, each pixel four times; or half of it, the mean of each 2×2."""
    if way == "up":
        return interpolate(x, scale_factor=2)
    return avg_pool2d(x, 2) if way == "down" else x


class ResBlock(nn.Module):
    """(2), of `a` channels to `b`.

    Args:
        d: size of the embedding.
        way: whether the side is doubled or halved on the way.
        adaptive: the embedding scales and shifts (1); else it is added before the second normalisation.
        rescale: divide the sum by √2.
    """

    def __init__(
        self,
        a: int,
        b: int,
        d: int,
        *,
        dropout: float = 0.0,
        way: Resample = None,
        adaptive: bool = True,
        rescale: bool = False,
    ) -> None:
        super().__init__()
        self.norms = nn.ModuleList((group_norm(a), group_norm(b)))
        self.convolutions = nn.ModuleList((nn.Conv2d(a, b, 3, padding=1), zeroed(nn.Conv2d(b, b, 3, padding=1))))
        self.embedded: nn.Module = Modulation(d, b) if adaptive else nn.Linear(d, b)
        self.skip = nn.Identity() if a == b else nn.Conv2d(a, b, 1)
        self.dropout, self.way, self.adaptive = Dropout(dropout), way, adaptive
        self.scale = 0.5**0.5 if rescale else 1.0

    def forward(self, x: Float[Tensor, "n a h w"], e: Float[Tensor, "n d"]) -> Float[Tensor, "n b h2 w2"]:
        h = self.convolutions[0](resampled(silu(self.norms[0](x)), self.way))
        if self.adaptive:
            h = self.embedded(self.norms[1](h), e)  # (1)
        else:
            h = self.norms[1](h + self.embedded(silu(e))[:, :, None, None])
        h = self.convolutions[1](self.dropout(silu(h)))
        out = self.skip(resampled(x, self.way)) + h  # (2)
        return out if self.scale == 1 else out * self.scale


class Attention(nn.Module):
    """(3), of every place to every other.

    Args:
        heads: how many; or
        head_channels: channels of each.

    Raises:
        InputError: the channels cannot be shared out so.
    """

    def __init__(self, channels: int, *, heads: int | None = None, head_channels: int = 64) -> None:
        super().__init__()
        self.heads = heads or max(1, channels // head_channels)
        if channels % self.heads or (heads is None and channels > head_channels and channels % head_channels):
            asked = f"{heads} heads" if heads else f"heads of {head_channels} channels"
            raise InputError(f"{channels} channels for {asked}: the one is no multiple of the other")
        self.norm, self.qkv = group_norm(channels), nn.Conv2d(channels, 3 * channels, 1)
        self.out = zeroed(nn.Conv2d(channels, channels, 1))

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        qkv = self.qkv(self.norm(x)).flatten(2).unflatten(1, (3, self.heads, -1)).transpose(3, 4)  # n 3 heads hw c
        y = scaled_dot_product_attention(qkv[:, 0], qkv[:, 1], qkv[:, 2])
        return x + self.out(y.transpose(2, 3).reshape(x.shape))  # (3)


class Resampling(nn.Module):
    """Half or twice the side by a convolution, as in the first diffusion models; the embedding is not looked at."""

    def __init__(self, channels: int, way: Resample) -> None:
        super().__init__()
        self.way = way
        self.convolution = nn.Conv2d(channels, channels, 3, padding=1, stride=2 if way == "down" else 1)

    def forward(self, x: Float[Tensor, "n c h w"], e: Float[Tensor, "n d"]) -> Float[Tensor, "n c h2 w2"]:
        return self.convolution(resampled(x, "up") if self.way == "up" else x)
