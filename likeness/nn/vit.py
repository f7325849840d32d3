"""A transformer of patches as an encoder of images (ViT), with a token for the class or the mean over places.

    z₀ = [class; x¹E; …; xᴺE] + E_pos,      xⁱ the i-th patch of p×p pixels                         (1)
    z ← z + attention(LN(z)),   z ← z + W' gelu(W LN(z))                                            (2)
    f(x) = LN(z)_class,   or the mean of LN(z) over the patches                                     (3)

Positions are learned for one size of image and drawn out (bicubic) for others, which lets crops of several sizes share
a network. Tensors are named as timm names them, so that `foreign.published` reads the files that exist.

Alexey Dosovitskiy et al. An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale. 2021.
https://arxiv.org/abs/2010.11929
Hugo Touvron et al. Training data-efficient image transformers (ViT-S). 2021. https://arxiv.org/abs/2012.12877
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import gelu, interpolate, scaled_dot_product_attention

from likeness.errors import InputError


class Attention(nn.Module):
    """Every place asks every other."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, z: Float[Tensor, "n k w"]) -> Float[Tensor, "n k w"]:
        q, k, v = self.qkv(z).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return self.proj(scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class Perceptron(nn.Module):
    """Two layers, four times as wide between them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, z: Float[Tensor, "n k w"]) -> Float[Tensor, "n k w"]:
        return self.fc2(gelu(self.fc1(z)))


class Block(nn.Module):
    """One layer of the transformer, normalised before each of its halves."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(width, eps=1e-6), Attention(width, heads)
        self.norm2, self.mlp = nn.LayerNorm(width, eps=1e-6), Perceptron(width)

    def forward(self, z: Float[Tensor, "n k w"]) -> Float[Tensor, "n k w"]:
        z = z + self.attn(self.norm1(z))
        return z + self.mlp(self.norm2(z))  # (2)


class Patches(nn.Module):
    """p×p pixels to one token, the patches row by row."""

    def __init__(self, channels: int, width: int, p: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(channels, width, p, p)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n rows columns d"]:
        return self.proj(x).permute(0, 2, 3, 1)


class ViT(nn.Module):
    """Images (n, channels, h, w), whose sides are multiples of a patch's, to `d` features.

    Args:
        channels: of an image.
        side: of the images that positions are learned for, in pixels.
        patch: side of a patch, in pixels.
        d: width of the transformer, and so the size of a feature vector.
        layers: blocks, one after the other.
        heads: of the attention.
        token: whether there is a token for the class, which is the feature; else it is the mean over patches.

    Raises:
        InputError: a side is no multiple of the patch's, or d cannot be shared out among the heads.
    """

    def __init__(
        self,
        channels: int,
        *,
        side: int,
        patch: int,
        d: int = 384,
        layers: int = 12,
        heads: int = 6,
        token: bool = True,
    ) -> None:
        super().__init__()
        if d % heads:
            raise InputError(f"width {d} for {heads} heads: give a multiple of {heads}")
        self.d, self.patch, self.places = d, patch, side // patch
        self._check(side, side)
        self.cls_token = nn.Parameter(torch.empty(1, 1, d)) if token else None
        self.pos_embed = nn.Parameter(torch.empty(1, token + self.places**2, d))
        self.patch_embed = Patches(channels, d, patch)
        self.blocks = nn.Sequential(*(Block(d, heads) for _ in range(layers)))
        self.norm = nn.LayerNorm(d, eps=1e-6)
        self._begin()

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d"]:
        """The features of images.

        Raises:
            InputError: a side is no multiple of the patch's.
        """
        z = self.tokens(x)
        return z.mean(1) if self.cls_token is None else z[:, 0]  # (3)

    def tokens(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n k d"]:
        """What the last block says of every token: of that of the class first, where there is one."""
        self._check(*x.shape[2:])
        z = self.patch_embed(x)
        first, where = self._positions(*z.shape[1:3])
        z = z.flatten(1, 2) + where
        if self.cls_token is not None:
            z = torch.cat(((self.cls_token + first).expand(len(z), -1, -1), z), 1)  # (1)
        return self.norm(self.blocks(z))

    def _positions(self, rows: int, columns: int) -> tuple[Tensor, Tensor]:
        """That of the token of the class, and those of so many places."""
        n = self.places**2
        first, where = self.pos_embed[:, :-n], self.pos_embed[:, -n:]
        if (rows, columns) != (self.places, self.places):
            grid = where.transpose(1, 2).unflatten(2, (self.places, self.places))
            grid = interpolate(grid, (rows, columns), mode="bicubic", align_corners=False, antialias=True)
            where = grid.flatten(2).transpose(1, 2)
        return first, where

    def _check(self, h: int, w: int) -> None:
        if h % self.patch or w % self.patch or not h * w:
            raise InputError(f"images of {h}×{w} in patches of {self.patch} pixels: resize them to a multiple of it")

    def _begin(self) -> None:
        for p in (self.pos_embed, self.cls_token):
            if p is not None:
                nn.init.trunc_normal_(p, std=0.02)
        for part in self.modules():
            if isinstance(part, nn.Linear):
                nn.init.trunc_normal_(part.weight, std=0.02)
                nn.init.zeros_(part.bias)


def vit_small(channels: int = 3, *, side: int = 224, patch: int = 16, token: bool = True) -> ViT:
    """ViT-S: 12 layers of 6 heads, d = 384; 21.7 million parameters for 224 pixels in patches of 16."""
    return ViT(channels, side=side, patch=patch, d=384, layers=12, heads=6, token=token)
