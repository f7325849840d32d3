"""Gradients of many processes, summed; and parameters that are shared out among them (torch's `fully_shard`)."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from likeness.ranks import world


def is_sharded(p: Tensor) -> bool:
    """Whether every process holds a part of this parameter, and its gradient is reduced by what shards it."""
    return hasattr(p, "device_mesh")


def local(p: Any) -> Tensor:
    """What this process holds of a parameter."""
    return p.to_local() if is_sharded(p) else p


def full(p: Any) -> Tensor:
    """The whole of a parameter; every process asks for it at once."""
    return p.full_tensor() if is_sharded(p) else p


def reduce_gradients(parameters: Sequence[Tensor]) -> None:
    """Sum the gradients of the processes, each of its share of the loss, in place.

    What shards parameters has taken the mean of theirs already, of shares that were made `size` times as large.
    """
    grads = [p.grad for p in parameters if p.grad is not None and not is_sharded(p)]
    if grads:
        reduced(grads)
    if grads and any(map(is_sharded, parameters)):
        torch._foreach_div_(grads, world().size)


def reduced(grads: Sequence[Tensor]) -> None:
    """Sum gradients over the processes in place, all of one kind in one message."""
    here = world()
    kinds: dict[tuple[torch.dtype, torch.device], list[Tensor]] = {}
    for g in grads:
        kinds.setdefault((g.dtype, g.device), []).append(g)
    for group in kinds.values():
        flat = here.sum(torch.cat([g.reshape(-1) for g in group]))
        parts = flat.split([g.numel() for g in group])
        torch._foreach_copy_(group, [p.view_as(g) for p, g in zip(parts, group, strict=True)])
