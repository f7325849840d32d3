"""What texts are made of, as a vector: counts of their n-grams, hashed, on the directions in which they vary most.

    φ_b(x) = √( #{i, k ≤ 3 : hash(x_i … x_{i+k−1}) = b} / #n-grams )                  (1)
    f(x) = (φ(x) − mean φ) B                                                          (2)

Square roots of shares, so that Euclidean distance is Hellinger's and frequent n-grams do not decide alone; B holds the
first principal components of the texts it was fitted to, scaled to variance one.

Kilian Weinberger et al. Feature Hashing for Large Scale Multitask Learning. 2009. https://arxiv.org/abs/0902.2206
"""

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

BUCKETS, ORDERS, PRIMES = 2048, 3, (1_000_003, 8_191)


def shares(x: Shaped[Tensor, "n t"]) -> Float[Tensor, "n b"]:
    """φ(x) for token ids."""
    ids, found, hashed = x.long(), [], torch.zeros_like(x, dtype=torch.long)
    for k in range(min(ORDERS, ids.shape[1])):
        hashed = hashed[:, : ids.shape[1] - k] * PRIMES[0] + ids[:, k:] + 1
        found.append(((hashed + k * PRIMES[1]) ^ (hashed >> 13)) % BUCKETS)
    every = torch.cat(found, 1)
    counts = torch.zeros(len(ids), BUCKETS, device=x.device).scatter_add_(1, every, torch.ones_like(every).float())
    return (counts / every.shape[1]).sqrt()  # (1)


class NgramFeatures(nn.Module):
    """f, fitted to token ids `x` (m, t)."""

    mean: Tensor
    basis: Tensor

    def __init__(self, x: Shaped[Tensor, "m t"], *, components: int = 24) -> None:
        super().__init__()
        phi = torch.cat([shares(part) for part in x[:5000].split(500)])
        kept = min(components, len(phi) - 1)
        mean = phi.mean(0)
        _, _, V = torch.svd_lowrank(phi - mean, q=min(kept + 8, *phi.shape), niter=4)
        basis = V[:, :kept]
        spread = ((phi - mean) @ basis).std(0).clamp(min=1e-6)
        self.register_buffer("mean", mean)
        self.register_buffer("basis", basis / spread)

    def forward(self, x: Shaped[Tensor, "n t"]) -> Float[Tensor, "n k"]:
        return (shares(x) - self.mean) @ self.basis  # (2)
