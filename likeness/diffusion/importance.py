"""Levels to train on by how much they cost: those with large losses more often, each loss weighted back.

With the last ten losses at each of T equal shares of a schedule's levels,

    p_t ∝ √E[L_t²],   mixed with 0.1 % of 1/T;   uniform until each has ten                         (1)
    E_t [L_t / (T p_t)] = mean over t of L_t,     t ~ p                                             (2)

so that the loss stays what it was, with less noise in it.

Alex Nichol, Prafulla Dhariwal. Improved Denoising Diffusion Probabilistic Models. 2021.
https://arxiv.org/abs/2102.09672
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from likeness.errors import InputError

KEPT, UNIFORM = 10, 0.001


class Chosen(NamedTuple):
    """Quantiles of the schedule's levels, and by what their losses are multiplied."""

    u: Float[Tensor, " n"]
    weight: Float[Tensor, " n"]


class Importance(nn.Module):
    """Remembers losses of each of `T` equal shares of the levels; what it remembers is part of the state.

    Raises:
        InputError: there is no share.
    """

    losses: Tensor
    count: Tensor

    def __init__(self, T: int) -> None:
        super().__init__()
        if T < 1:
            raise InputError(f"{T} levels to choose among: give one or more")
        self.T = T
        self.register_buffer("losses", torch.zeros(T, KEPT, dtype=torch.double))
        self.register_buffer("count", torch.zeros(T, dtype=torch.long))

    def probabilities(self) -> Float[Tensor, " T"]:
        p = self.losses.square().mean(1).sqrt()
        p = (1 - UNIFORM) * p / p.sum() + UNIFORM / self.T  # (1)
        warm = (self.count >= KEPT).all() & p.isfinite().all()
        return torch.where(warm, p, torch.full_like(p, 1 / self.T))

    def forward(self, u: Float[Tensor, " n"]) -> Chosen:
        """The quantiles that uniform numbers become, and the weights of their losses."""
        p = self.probabilities().to(u)
        ends = p.cumsum(0)
        t = torch.searchsorted(ends, u * ends[-1], right=True).clamp(max=self.T - 1)
        within = ((u * ends[-1] - (ends - p)[t]) / p[t]).clamp(0, 1 - 1e-6)
        return Chosen((t + within) / self.T, 1 / (self.T * p[t]))  # (2)

    def remember(self, u: Float[Tensor, " n"], loss: Float[Tensor, " n"]) -> None:
        """Keep losses that were found at these quantiles, not weighted, the oldest first."""
        t = (u * self.T).long().clamp(max=self.T - 1)
        order = t.argsort(stable=True)
        t, loss = t[order], loss[order].to(self.losses)
        found = torch.bincount(t, minlength=self.T)
        place = torch.arange(len(t), device=t.device) - (found.cumsum(0) - found)[t]  # among those of its own t
        new = place >= found[t] - KEPT
        self.losses[t[new], ((self.count[t] + place) % KEPT)[new]] = loss[new]
        self.count += found
