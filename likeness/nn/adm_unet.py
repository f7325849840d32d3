"""The U-Net of ablated diffusion models (ADM): F(x, t, y) for images.

    encoder   levels of `blocks` residual blocks, each followed by attention where the side is among `attention`;
              between levels a block that halves the side
    middle    residual, attention, residual
    decoder   `blocks` + 1 residual blocks a level, each given the encoder's output of the same place beside its input

With `adaptive=False, resblock_updown=False, heads=1` and attention at one side it is the network of DDPM, whose
parts the paper switches on one by one.

Prafulla Dhariwal, Alex Nichol. Diffusion Models Beat GANs on Image Synthesis. 2021. https://arxiv.org/abs/2105.05233
Jonathan Ho, Ajay Jain, Pieter Abbeel. Denoising Diffusion Probabilistic Models. 2020. https://arxiv.org/abs/2006.11239
"""

from collections.abc import Collection, Sequence
from contextlib import nullcontext
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import silu
from torch.utils.checkpoint import checkpoint

from likeness.errors import InputError
from likeness.nn.adm_blocks import Attention, Resample, Resampling, ResBlock, group_norm, zeroed
from likeness.nn.blocks import Labels, channels_last
from likeness.nn.time_embedding import TimeEmbedding
from likeness.ranks import held, holding


class Plan(NamedTuple):
    """How the levels of a U-Net, or of its encoder alone, are built.

    Attributes:
        width: channels of the first level.
        multipliers: of the width, one a level.
        blocks: residual blocks a level.
        attention: sides of the image at which there is attention.
        heads, head_channels: the number of attention's heads, or else the channels of each.
        adaptive: adaptive group normalisation, or the embedding added.
        resblock_updown: sides change within residual blocks, or by a convolution.
        rescale: divide each residual sum by √2.
        groups: of the normalisations; by their width if not given.
    """

    width: int = 128
    multipliers: Sequence[float] = (1, 2, 2)
    blocks: int = 2
    attention: Collection[int] = (16, 8)
    heads: int | None = None
    head_channels: int = 64
    dropout: float = 0.0
    adaptive: bool = True
    resblock_updown: bool = True
    rescale: bool = False
    groups: int | None = None

    def block(self, a: int, b: int, way: Resample = None) -> ResBlock:
        return ResBlock(
            a,
            b,
            4 * self.width,
            dropout=self.dropout,
            way=way,
            adaptive=self.adaptive,
            rescale=self.rescale,
            groups=self.groups,
        )

    def resample(self, channels: int, way: Resample) -> nn.Module:
        return self.block(channels, channels, way) if self.resblock_updown else Resampling(channels, way)

    def attend(self, channels: int) -> Attention:
        return Attention(channels, heads=self.heads, head_channels=self.head_channels, groups=self.groups)


class Stage(nn.Module):
    """A residual block or a change of side, and attention after it where there is some.

    What the encoder kept is put beside the input.
    """

    def __init__(self, block: nn.Module, attention: Attention | None = None) -> None:
        super().__init__()
        self.block, self.attention = block, attention

    def forward(
        self, x: Float[Tensor, "n a h w"], e: Float[Tensor, "n d"], kept: Float[Tensor, "n c h w"] | None = None
    ) -> Float[Tensor, "n b h2 w2"]:
        h = self.block(x if kept is None else torch.cat((x, kept), 1), e)
        return h if self.attention is None else self.attention(h)


def encoder(plan: Plan, channels: int, side: int) -> tuple[nn.ModuleList, list[int], int]:
    """The stages after the first convolution, the channels of every output from that one's on, and the last side."""
    stages, kept, a = nn.ModuleList(), [channels], channels
    for i, multiplier in enumerate(plan.multipliers):
        b = round(multiplier * plan.width)
        for _ in range(plan.blocks):
            stages.append(Stage(plan.block(a, b), plan.attend(b) if side in plan.attention else None))
            a = b
            kept.append(a)
        if i < len(plan.multipliers) - 1:
            stages.append(Stage(plan.resample(a, "down")))
            side //= 2
            kept.append(a)
    return stages, kept, side


def stages(of: nn.ModuleList) -> list[Stage]:
    """The stages of a network's `down`, `middle` or `up`, known as such."""
    return [stage for stage in of if isinstance(stage, Stage)]


def check_side(event: tuple[int, ...], levels: int) -> None:
    """Raises InputError where an image cannot be halved so often, or is not square."""
    if len(event) != 3 or event[1] != event[2] or event[1] % 2 ** (levels - 1):
        raise InputError(
            f"images of shape {event}: a U-Net of {levels} levels takes squares whose side is a multiple of "
            f"{2 ** (levels - 1)}; use --size, or fewer levels"
        )


class UNet(nn.Module):
    """Noisy images (n, c, s, s) to (n, outputs · c, s, s).

    Args:
        event: the shape of an image.
        outputs: 1, or 2 for a network that also learns variances.
        classes: how many there are, among them one for "no class" where guidance needs it; 0 for none.
        extra: channels of the input besides the image's own, such as those of a smaller image to be enlarged.
        checkpoint: forget what the stages computed, and compute it again for the gradient: a step needs a third of the
            memory and a third more time.
        plan: how the levels are built; its fields may be given by name instead.

    Raises:
        InputError: the side is not divisible by the strides, or channels cannot be shared out among heads.
    """

    def __init__(
        self,
        event: tuple[int, ...],
        *,
        outputs: int = 1,
        classes: int = 0,
        extra: int = 0,
        checkpoint: bool = False,
        plan: Plan | None = None,
        **given: object,
    ) -> None:
        super().__init__()
        plan = (plan or Plan())._replace(**given)  # type: ignore[arg-type]
        check_side(event, len(plan.multipliers))
        channels, side = event[0], event[1]
        self.event, self.outputs, self.plan, self.checkpoint = event, outputs, plan, checkpoint
        first = round(plan.multipliers[0] * plan.width)
        self.embedding = TimeEmbedding(plan.width, 4 * plan.width, classes)
        self.stem = nn.Conv2d(channels + extra, first, 3, padding=1)
        self.down, kept, side = encoder(plan, first, side)
        a = kept[-1]
        self.middle = nn.ModuleList((Stage(plan.block(a, a), plan.attend(a)), Stage(plan.block(a, a))))
        self.up = nn.ModuleList()
        for i, multiplier in reversed(list(enumerate(plan.multipliers))):
            b = round(multiplier * plan.width)
            for j in range(plan.blocks + 1):
                block = plan.block(a + kept.pop(), b)
                self.up.append(Stage(block, plan.attend(b) if side in plan.attention else None))
                a = b
                if i and j == plan.blocks:
                    self.up.append(Stage(plan.resample(a, "up")))
                    side *= 2
        self.out = nn.ModuleList((group_norm(a, plan.groups), zeroed(nn.Conv2d(a, outputs * channels, 3, padding=1))))
        self.joins = _joins(len(plan.multipliers), plan.blocks)
        channels_last(self)

    def forward(
        self, x: Float[Tensor, "n c_in s s"], t: Float[Tensor, " n"], y: Labels = None
    ) -> Float[Tensor, "n c_out s s"]:
        e, h = self.embedding(t, y), self.stem(x)
        kept = [h]
        for stage in self.down:
            h = self._run(stage, h, e)
            kept.append(h)
        for stage in self.middle:
            h = self._run(stage, h, e)
        for stage, join in zip(self.up, self.joins):
            h = self._run(stage, h, e, kept.pop() if join else None)
        return self.out[1](silu(self.out[0](h)))

    def _run(self, stage: nn.Module, h: Tensor, e: Tensor, kept: Tensor | None = None) -> Tensor:
        if not (self.checkpoint and torch.is_grad_enabled()):
            return stage(h, e, kept)
        part = held()  # a GPU's backward pass runs in another thread, where dropout has to know it too
        return checkpoint(stage, h, e, kept, use_reentrant=False, context_fn=lambda: (nullcontext(), holding(part)))


def _joins(levels: int, blocks: int) -> list[bool]:
    """Of each stage of the decoder, whether it is given what the encoder kept: all but those that double the side."""
    level = [True] * (blocks + 1)
    return [join for i in reversed(range(levels)) for join in ([*level, False] if i else level)]
