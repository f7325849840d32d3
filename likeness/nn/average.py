"""A running average of a network's weights, which for a GAN's generator draws better than any single step's.

    ema = average(gan.G, 0.999)
    for step in train(...):
        ema.update_parameters(gan.G)
    ema.module                                       the averaged generator, in evaluation mode

    θ̄ ← β_t θ̄ + (1 − β_t) θ,     β_t = min(β, (1 + t) / (10 + t))                                  (1)

The warm-up lets the average forget the first weights quickly. Buffers (running statistics) are averaged too,
integer ones copied; the count t is part of the state.

Yasin Yazıcı et al. The Unusual Effectiveness of Averaging in GAN Training. 2019. https://arxiv.org/abs/1806.04498
"""

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from likeness.errors import InputError


def average(module: nn.Module, decay: float = 0.999) -> AveragedModel:
    """A copy of the module that follows it: `update_parameters(module)` after each step, `.module` to use it.

    Raises:
        InputError: the decay is not in [0, 1).
    """
    if not 0 <= decay < 1:
        raise InputError(f"decay {decay}: an average keeps a share from 0 to below 1, such as 0.999")

    def follow(averaged: list[Tensor], current: list[Tensor], count: Tensor | int) -> None:
        t = int(count)
        beta = min(decay, (1 + t) / (10 + t))
        if averaged[0].is_floating_point():
            torch._foreach_lerp_(averaged, current, 1 - beta)  # (1)
        else:
            torch._foreach_copy_(averaged, current)

    with torch.no_grad():
        return AveragedModel(module, multi_avg_fn=follow, use_buffers=True).eval().requires_grad_(False)  # type: ignore[arg-type]
