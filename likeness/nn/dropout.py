"""Dropout whose mask belongs to its sample, so that N processes drop what one would.

    y = m ⊙ x / (1 − p),    m ~ Bernoulli(1 − p)                                      (1)

Nitish Srivastava et al. Dropout: A Simple Way to Prevent Neural Networks from Overfitting. 2014.
https://jmlr.org/papers/v15/srivastava14a.html
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from likeness.errors import InputError
from likeness.ranks import per_sample


class Dropout(nn.Module):
    """Raises InputError where the share that is dropped is not in [0, 1)."""

    def __init__(self, p: float) -> None:
        super().__init__()
        if not 0 <= p < 1:
            raise InputError(f"dropout {p}: give a share from 0 to below 1")
        self.p = p

    def forward(self, x: Float[Tensor, "n ..."]) -> Float[Tensor, "n ..."]:
        if not (self.training and self.p):
            return x
        m = per_sample(len(x), lambda n: torch.rand(n, *x.shape[1:], device=x.device)) >= self.p
        return m * x / (1 - self.p)  # (1)
