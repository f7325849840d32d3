"""Chains that go on where others ended: a buffer of ends, from which some of the next chains begin.

    start = an end in the buffer with probability p, else fresh;   its end takes its place          (1)

Short chains from noise never get far. Those that go on are long in effect, at the price of what they remember: an
energy that has moved has ends in places it no longer likes.

Tijmen Tieleman. Training Restricted Boltzmann Machines using Approximations to the Likelihood Gradient. 2008.
https://doi.org/10.1145/1390156.1390290
Yilun Du, Igor Mordatch. Implicit Generation and Generalization in Energy-Based Models. 2019.
https://arxiv.org/abs/1903.08689
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from likeness.errors import InputError
from likeness.ranks import gather, per_sample, world


class Replay(nn.Module):
    """The ends of `len(start)` chains, which at first are their starts.

    All processes hold the same ones. What is put is seen by the next batch: put it after the batch has been learned
    from, so that pieces of one batch do not see each other's.
    """

    ends: Tensor

    def __init__(self, start: Float[Tensor, "m d"]) -> None:
        super().__init__()
        self.register_buffer("ends", start)

    def begin(self, fresh: Float[Tensor, "n d"], kept: float) -> tuple[Float[Tensor, "n d"], Int[Tensor, " n"]]:
        """Starts of n chains, `kept` of them from the buffer, and the places that their ends will take.

        Raises:
            InputError: a batch is larger than the buffer.
        """
        places = per_sample(len(fresh), self._places).to(fresh.device)
        old = per_sample(len(fresh), lambda n: torch.rand(n, 1)).to(fresh.device) < kept
        return torch.where(old, self.ends[places], fresh), places  # (1)

    @torch.no_grad()
    def put(self, places: Int[Tensor, " n"], ends: Float[Tensor, "n d"]) -> None:
        """The ends of the chains that took these places."""
        if world().size > 1:
            places, ends = gather(places), gather(ends)
        self.ends[places] = ends

    def _places(self, n: int) -> Tensor:
        """Without one twice."""
        if n > len(self.ends):
            raise InputError(f"a replay buffer of {len(self.ends)} for a batch of {n}: use a larger one, or none")
        return torch.randperm(len(self.ends))[:n]
