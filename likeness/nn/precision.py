"""bfloat16 inside a network and float32 outside of it, so that losses and penalties keep their digits.

The network's operations run under torch's autocast, its parameters stay in float32, and what it returns is float32.
Nothing wraps it: `autograd.grad` through it works, twice too, which wrappers of training frameworks forbid.

Paulius Micikevicius et al. Mixed Precision Training. 2018. https://arxiv.org/abs/1710.03740
"""

from functools import cache
from typing import Any

import torch
from torch import Tensor, nn


def lower(network: nn.Module, dtype: torch.dtype = torch.bfloat16) -> None:
    """Run the network's forward pass in `dtype` from now on; copies of it do so too."""
    network.__class__ = _lowered(type(network), dtype)  # type: ignore[arg-type]


@cache
def _lowered(kind: type[nn.Module], dtype: torch.dtype) -> type[nn.Module]:
    class Lowered(kind):  # type: ignore[valid-type,misc]
        def forward(self, *inputs: Any, **named: Any) -> Any:
            device = next(self.parameters()).device.type
            with torch.autocast(device, dtype):
                return _raised(super().forward(*inputs, **named))

    Lowered.__name__ = Lowered.__qualname__ = kind.__name__
    return Lowered


def _raised(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.float() if value.is_floating_point() else value
    if isinstance(value, tuple | list):
        raised = [_raised(v) for v in value]
        return type(value)(*raised) if hasattr(value, "_fields") else type(value)(raised)
    return {k: _raised(v) for k, v in value.items()} if isinstance(value, dict) else value
