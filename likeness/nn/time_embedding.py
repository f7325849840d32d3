"""What a network of diffusion is told besides its input: the noise level and, where there are classes, the class.

    γ(t) = (cos t f₀, …, cos t f_{h−1}, sin t f₀, …, sin t f_{h−1}),   f_i = 10000^{−i/h}           (1)
    e = W₂ silu(W₁ γ(t)) + v_y                                                                      (2)

The time t is whatever the schedule tells (an index up to 999, ¼ ln σ).

Ashish Vaswani et al. Attention Is All You Need. 2017. https://arxiv.org/abs/1706.03762
Prafulla Dhariwal, Alex Nichol. Diffusion Models Beat GANs on Image Synthesis. 2021. https://arxiv.org/abs/2105.05233
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import pad, silu

from likeness.errors import InputError
from likeness.nn.blocks import Labels, check_labels


def sinusoids(t: Float[Tensor, " n"], size: int) -> Float[Tensor, "n size"]:
    """γ(t); the last number is zero where the size is odd."""
    half = size // 2
    frequency = torch.exp(-math.log(10_000) / half * torch.arange(half, device=t.device, dtype=torch.float32))
    angle = t.float()[:, None] * frequency
    return pad(torch.cat((angle.cos(), angle.sin()), 1), (0, size % 2)).to(t.dtype)  # (1)


class TimeEmbedding(nn.Module):
    """t (n,) and labels to vectors (n, d).

    Args:
        size: numbers in γ.
        d: numbers in the embedding.
        classes: how many classes there are; 0 for none.
    """

    def __init__(self, size: int, d: int, classes: int = 0) -> None:
        super().__init__()
        self.size, self.classes = size, classes
        self.layers = nn.Sequential(nn.Linear(size, d), nn.SiLU(), nn.Linear(d, d))
        if classes:
            self.embed = nn.Embedding(classes, d)

    def forward(self, t: Float[Tensor, " n"], y: Labels = None) -> Float[Tensor, "n d"]:
        """Raises InputError where labels are missing, out of range, or given to a network without classes."""
        check_labels(y, self.classes)
        e = self.layers(sinusoids(t, self.size))
        return e if y is None else e + looked_up(self.embed, y)  # (2)


class Modulation(nn.Module):
    """From an embedding the scale 1 + s and the shift b that a normalised layer is given: (1 + s) h + b."""

    def __init__(self, d: int, channels: int) -> None:
        super().__init__()
        self.linear = nn.Linear(d, 2 * channels)

    def forward(self, h: Float[Tensor, "n channels *place"], e: Float[Tensor, "n d"]) -> Tensor:
        scale, shift = self.linear(silu(e)).view(len(e), -1, *[1] * (h.ndim - 2)).chunk(2, 1)
        return torch.addcmul(shift, h, 1 + scale)


def looked_up(embed: nn.Embedding, y: Tensor) -> Tensor:
    """Raises InputError for an index that is no class (on a GPU the device says it in its own way)."""
    try:
        return embed(y)
    except IndexError:
        wrong = next(c for c in y.tolist() if not 0 <= c < embed.num_embeddings)
        raise InputError(f"class {wrong}: there are {embed.num_embeddings} classes, from 0 on") from None
