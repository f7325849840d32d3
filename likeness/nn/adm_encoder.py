"""The encoder of the U-Net of ADM with a head: F(x, t) from noisy images to logits, for the classifier that guides.

    tokens   h₀ = mean of h₁ … h_k, the features of all places; each plus a position that is learned
    logits   W Σ_j softmax_j(q₀ᵀ k_j/√c) v_j,   q, k, v = W' h                                       (1)

Alec Radford et al. Learning Transferable Visual Models From Natural Language Supervision. 2021.
https://arxiv.org/abs/2103.00020
Prafulla Dhariwal, Alex Nichol. Diffusion Models Beat GANs on Image Synthesis. 2021. https://arxiv.org/abs/2105.05233
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention, silu

from likeness.errors import InputError
from likeness.nn.adm_blocks import group_norm
from likeness.nn.adm_unet import Plan, Stage, check_side, encoder
from likeness.nn.blocks import channels_last
from likeness.nn.time_embedding import TimeEmbedding


class AttentionPool(nn.Module):
    """(1): what the mean of all places asks of every place.

    Raises:
        InputError: the channels cannot be shared out among heads.
    """

    def __init__(self, channels: int, places: int, outputs: int, *, head_channels: int = 64) -> None:
        super().__init__()
        self.heads = max(1, channels // head_channels)
        if channels % self.heads:
            raise InputError(f"{channels} channels for heads of {head_channels}: the one is no multiple of the other")
        self.position = nn.Parameter(torch.randn(places + 1, channels) / channels**0.5)
        self.qkv, self.out = nn.Linear(channels, 3 * channels), nn.Linear(channels, outputs)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n outputs"]:
        h = x.flatten(2).transpose(1, 2)
        h = torch.cat((h.mean(1, keepdim=True), h), 1) + self.position
        q, k, v = self.qkv(h).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)  # n heads places c
        return self.out(scaled_dot_product_attention(q[:, :, :1], k, v).transpose(1, 2).flatten(1))  # (1)


class Encoder(nn.Module):
    """Noisy images (n, c, s, s) to (n, outputs).

    Args:
        event: the shape of an image.
        outputs: numbers that come out, such as the logits of a classifier.
        plan: how the levels are built; its fields may be given by name instead.

    Raises:
        InputError: the side is not divisible by the strides, or channels cannot be shared out among heads.
    """

    def __init__(self, event: tuple[int, ...], outputs: int, *, plan: Plan | None = None, **given: object) -> None:
        super().__init__()
        plan = (plan or Plan())._replace(**given)  # type: ignore[arg-type]
        check_side(event, len(plan.multipliers))
        first = round(plan.multipliers[0] * plan.width)
        self.embedding = TimeEmbedding(plan.width, 4 * plan.width)
        self.stem = nn.Conv2d(event[0], first, 3, padding=1)
        self.down, kept, side = encoder(plan, first, event[1])
        a = kept[-1]
        self.middle = nn.ModuleList((Stage(plan.block(a, a), plan.attend(a)), Stage(plan.block(a, a))))
        self.norm = group_norm(a, plan.groups)
        self.pool = AttentionPool(a, side * side, outputs, head_channels=plan.head_channels)
        channels_last(self)

    def forward(self, x: Float[Tensor, "n c s s"], t: Float[Tensor, " n"]) -> Float[Tensor, "n outputs"]:
        e, h = self.embedding(t), self.stem(x)
        for stage in (*self.down, *self.middle):
            h = stage(h, e)
        return self.pool(silu(self.norm(h)))
