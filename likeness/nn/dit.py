"""A transformer of patches as a network of diffusion (DiT): F(x, t, y) for images.

    h ← h + g₁ ⊙ attention((1 + s₁) LayerNorm(h) + b₁)                                              (1)
    h ← h + g₂ ⊙ W' gelu(W ((1 + s₂) LayerNorm(h) + b₂))                                            (2)
    (b₁, s₁, g₁, b₂, s₂, g₂) = V silu(e),   e of t and y                                            (3)

V begins at zero, so that a block begins as the identity, and the last layer too, so that the network begins at zero.
A token is a patch of p×p pixels plus where it lies, told by sinusoids of its column and of its row.

William Peebles, Saining Xie. Scalable Diffusion Models with Transformers. 2023. https://arxiv.org/abs/2212.09748
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import pixel_shuffle, scaled_dot_product_attention, silu

from likeness.errors import InputError
from likeness.nn.blocks import Labels
from likeness.nn.time_embedding import TimeEmbedding, sinusoids


def positions(side: int, d: int) -> Float[Tensor, "places d"]:
    """Where each of side² places lies, row by row: half of the numbers tell its row and half its column."""
    along = sinusoids(torch.arange(side, dtype=torch.float32), d // 2)
    return torch.cat((along.repeat_interleave(side, 0), along.repeat(side, 1)), 1)


class Block(nn.Module):
    """One layer, whose normalisations and residuals are told by the embedding."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width, elementwise_affine=False, eps=1e-6)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU("tanh"), nn.Linear(4 * width, width))
        self.modulation = nn.Linear(width, 6 * width)
        _zero(self.modulation)

    def forward(self, h: Float[Tensor, "n k w"], e: Float[Tensor, "n w"]) -> Float[Tensor, "n k w"]:
        b1, s1, g1, b2, s2, g2 = self.modulation(silu(e))[:, None].chunk(6, 2)  # (3)
        h = torch.addcmul(h, g1, self.attended(torch.addcmul(b1, self.norm(h), 1 + s1)))  # (1)
        return torch.addcmul(h, g2, self.mlp(torch.addcmul(b2, self.norm(h), 1 + s2)))  # (2)

    def attended(self, h: Float[Tensor, "n k w"]) -> Float[Tensor, "n k w"]:
        q, k, v = self.qkv(h).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return self.out(scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class DiT(nn.Module):
    """Noisy images (n, c, s, s) to (n, outputs · c, s, s).

    Args:
        event: the shape of an image.
        outputs: 1, or 2 for a network that also learns variances.
        classes: how many there are, among them one for "no class" where guidance needs it; 0 for none.
        patch: side of a patch in pixels.
        extra: channels of the input besides the image's own.

    Raises:
        InputError: the side is no multiple of the patch's, or the width cannot be shared out among the heads.
    """

    position: Tensor

    def __init__(
        self,
        event: tuple[int, ...],
        *,
        outputs: int = 1,
        classes: int = 0,
        width: int = 128,
        layers: int = 6,
        heads: int = 4,
        patch: int = 2,
        extra: int = 0,
    ) -> None:
        super().__init__()
        if len(event) != 3 or event[1] != event[2] or event[1] % patch:
            raise InputError(f"images of shape {event}: squares whose side is a multiple of the patch's, {patch}")
        if width % heads or width % 4:
            raise InputError(f"width {width} for {heads} heads: give a multiple of both {heads} and 4")
        self.side = event[1] // patch
        self.embedding = TimeEmbedding(width, width, classes)
        self.entry = nn.Conv2d(event[0] + extra, width, patch, stride=patch)
        self.register_buffer("position", positions(self.side, width), persistent=False)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width, elementwise_affine=False, eps=1e-6)
        self.modulation, self.out = nn.Linear(width, 2 * width), nn.Linear(width, outputs * event[0] * patch**2)
        self.patch = patch
        _zero(self.modulation)
        _zero(self.out)

    def forward(
        self, x: Float[Tensor, "n c_in s s"], t: Float[Tensor, " n"], y: Labels = None
    ) -> Float[Tensor, "n c_out s s"]:
        e, h = self.embedding(t, y), self.entry(x).flatten(2).transpose(1, 2) + self.position
        for block in self.blocks:
            h = block(h, e)
        b, s = self.modulation(silu(e))[:, None].chunk(2, 2)
        pixels = self.out(torch.addcmul(b, self.norm(h), 1 + s)).transpose(1, 2)
        return pixel_shuffle(pixels.unflatten(2, (self.side, self.side)), self.patch)


def _zero(layer: nn.Linear) -> None:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
