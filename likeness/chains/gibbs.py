"""Gibbs sampling: each part of x in turn is drawn anew, given all the others.

    x_B ~ f(x_B | x_rest),   block B after block                                                    (1)
    P(x_i = high | rest) = σ(log f(x_i = high, rest) − log f(x_i = low, rest))                      (2)

Parts that do not see each other are one block and are drawn at once: all the sites of one colour of a checkerboard,
or all hidden units of a restricted Boltzmann machine; and all chains with them.

Stuart Geman, Donald Geman. Stochastic Relaxation, Gibbs Distributions, and the Bayesian Restoration of Images. 1984.
https://doi.org/10.1109/TPAMI.1984.4767596
"""

from collections.abc import Callable, Iterator, Sequence

import torch
from jaxtyping import Bool, Shaped
from torch import Tensor

from likeness.sampling import Streams

Block = Callable[[Tensor, Streams], Tensor]  # chains (m, *event) to the same with one block drawn anew


@torch.no_grad()
def sweeps(
    blocks: Sequence[Block], x: Shaped[Tensor, "m ..."], *, steps: int, source: Streams
) -> Iterator[Shaped[Tensor, "m ..."]]:
    """The states after each sweep over all the blocks."""
    for _ in range(steps):
        for block in blocks:
            x = block(x, source)  # (1)
        yield x


def binary(log_odds: Callable[[Tensor], Tensor], there: Bool[Tensor, " *event"], *, low: float = -1.0) -> Block:
    """The block of the sites `there`, which take the values `low` and 1.

    Args:
        log_odds: of a value 1 against `low` at every site given the others, (m, *event).
        there: sites whose log odds do not depend on each other.
    """

    def block(x: Tensor, source: Streams) -> Tensor:
        up = source.uniform(*x.shape, device=x.device) < log_odds(x).sigmoid()  # (2)
        drawn = torch.where(up, torch.ones_like(x), torch.full_like(x, low))
        return torch.where(there.to(x.device), drawn, x)

    return block


def checkerboard(h: int, w: int) -> tuple[Bool[Tensor, "h w"], Bool[Tensor, "h w"]]:
    """The two colours of a grid: no site has a neighbour of its own."""
    dark = (torch.arange(h)[:, None] + torch.arange(w)) % 2 == 0
    return dark, ~dark
