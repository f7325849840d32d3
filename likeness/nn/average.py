"""A running average of a network's weights, which for a GAN's generator draws better than any single step's.

    ema = average(gan.G, 0.999)
    for step in train(...):
        ema.update(gan.G)
    ema.module                                       the averaged generator, in evaluation mode

    θ̄ ← β_t θ̄ + (1 − β_t) θ,     β_t = min(β, (1 + t) / (10 + t))                                  (1)

The warm-up lets the average forget the first weights quickly. Buffers (running statistics) are averaged too,
integer ones copied; the count t is part of the state. An update is two launches on the device and waits for neither.

Yasin Yazıcı et al. The Unusual Effectiveness of Averaging in GAN Training. 2019. https://arxiv.org/abs/1806.04498
"""

import copy

import torch
from torch import Tensor, nn

from likeness.errors import InputError
from likeness.gradients import is_sharded


class Average(nn.Module):
    """`module` follows another one of its kind; see `average`."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        super().__init__()
        self.module, self.decay, self.count = copy.deepcopy(module).eval().requires_grad_(False), decay, 0

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Take in the weights as they are now; the first ones are taken whole."""
        beta = min(self.decay, (1 + self.count) / (10 + self.count)) if self.count else 0.0
        self.count += 1
        pairs = list(zip(_tensors(self.module), _tensors(module), strict=True))
        smooth = [(a, b) for a, b in pairs if a.is_floating_point()]
        counted = [(a, b) for a, b in pairs if not a.is_floating_point()]
        for sharded in (False, True):  # where parameters are shared out among processes, buffers are not
            some = [(a, b) for a, b in smooth if is_sharded(b) is sharded]
            if some:
                torch._foreach_lerp_([a for a, _ in some], [b for _, b in some], 1 - beta)  # (1)
        if counted:
            torch._foreach_copy_([a for a, _ in counted], [b for _, b in counted])

    def get_extra_state(self) -> Tensor:
        return torch.tensor(self.count)

    def set_extra_state(self, state: Tensor) -> None:
        self.count = int(state)


def average(module: nn.Module, decay: float = 0.999) -> Average:
    """A copy of the module that follows it: `update(module)` after each step, `.module` to use it.

    Raises:
        InputError: the decay is not in [0, 1).
    """
    if not 0 <= decay < 1:
        raise InputError(f"decay {decay}: an average keeps a share from 0 to below 1, such as 0.999")
    return Average(module, decay)


def _tensors(module: nn.Module) -> list[Tensor]:
    return [*module.parameters(), *module.buffers()]
