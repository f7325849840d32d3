"""Pieces of work shared out among processes, with results that do not depend on how many there are."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from likeness.ranks import World, using, world


def spread(work: Callable[[int], Tensor], n: int) -> list[Tensor]:
    """The results of `work(0)`, …, `work(n - 1)` on every process, each done by one of them.

    A piece of work is done as one process alone would do it, so that results do not depend on how many there are.
    """
    here = world()
    if here.size == 1 or n == 0:
        return [work(i) for i in range(n)]
    with using(World()):
        mine = [work(i) for i in range(here.rank, n, here.size)]
    return dealt(here, mine, n)


def dealt(here: World, mine: Sequence[Tensor], n: int) -> list[Tensor]:
    """The `n` tensors of which this process has every `size`-th, from `rank` on; they differ in length at most."""
    shapes = here.objects([tuple(x.shape) for x in mine])
    like = mine[0] if mine else None
    kinds = here.objects(None if like is None else (like.dtype, like.device.type))
    dtype, device = next(kind for kind in kinds if kind is not None)
    flat = torch.cat([x.reshape(-1) for x in mine]) if mine else torch.zeros(0, dtype=dtype, device=device)
    every = here.collect(flat)
    found: dict[int, Tensor] = {}
    for rank, sizes in enumerate(shapes):
        pieces = every[rank].split([torch.Size(size).numel() for size in sizes]) if sizes else ()
        for i, (piece, size) in enumerate(zip(pieces, sizes, strict=True)):
            found[rank + i * here.size] = piece.reshape(size)
    return [found[i] for i in range(n)]


def alike(module: nn.Module) -> None:
    """Give the module the parameters and buffers of the first process, which need not agree to the last bit."""
    if world().size == 1:
        return
    for mine in module.state_dict().values():
        mine.copy_(world().collect(mine.reshape(-1))[0].view_as(mine))
