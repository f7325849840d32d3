"""Proposals of which a draw owns a pool: draw i chooses among the samples i m … i m + m − 1 of the sampler.

So its choice depends on its own pool alone, and is the same however draws are batched.
"""

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from likeness.refine.ratio import DensityRatio
from likeness.sampling import Sampler, Streams


def propose(
    sampler: Sampler, ratio: DensityRatio, n: int, m: int, source: Streams
) -> tuple[Shaped[Tensor, "n m *event"], Float[Tensor, "n m"]]:
    """The pools of the `n` draws from `source.first` on, and their log ratios in float64."""
    x = sampler(n * m, generator=source.split("proposals").at(source.first * m))
    return x.unflatten(0, (n, m)), ratio(x).double().unflatten(0, (n, m))


def pick(x: Shaped[Tensor, "n m *event"], place: Int[Tensor, " n"]) -> Shaped[Tensor, " n *event"]:
    """The proposal at this place of each pool."""
    return x[torch.arange(len(x), device=x.device), place.to(x.device)]
