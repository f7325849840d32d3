"""Whether chains have forgotten where they began.

Split R̂ compares the spread between half-chains with the spread within them: with T steps a half-chain, W the mean
of their variances and B/T the variance of their means,

    R̂ = √((T − 1)/T + (B/T) / W)                                         (1)

is near 1 when all of them walk over the same distribution; above 1.1 they do not yet.

Andrew Gelman et al. Bayesian Data Analysis, 3rd edition, section 11.4. 2013. https://sites.stat.columbia.edu/gelman/book/
"""

import torch
from jaxtyping import Float
from torch import Tensor

MIXED = 1.1


def split_rhat(trace: Float[Tensor, "steps chains *event"]) -> Float[Tensor, "*event"]:
    """R̂ of each coordinate, from chains cut into two halves of at least two steps each."""
    half = len(trace) // 2
    halves = torch.cat((trace[:half], trace[half : 2 * half]), dim=1).double()
    within = halves.var(0).mean(0)
    between = halves.mean(0).var(0)
    return ((half - 1) / half + between / within.clamp(min=1e-300)).sqrt()  # (1)
