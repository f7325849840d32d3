"""A prior made of examples: a mixture of equal Gaussians, one around the code of every exemplar.

    p(z) = 1/M Σₙ N(z; μₙ, σ² I),   μₙ = μ(xₙ), the encoder's mean                                  (1)
    log p₋ᵢ(z) = log 1/(M − 1) Σ_{n ≠ i} N(z; μₙ, σ² I)                                             (2)
    log p(z) ≥ log 1/M Σ_{n ∈ S} N(z; μₙ, σ² I),   S the neighbours of z                            (3)

σ is one number for all dimensions and exemplars. (2) is what a training sample that is an exemplar itself learns from:
with its own code among the centres it would be its own prior. (3) is an equality where S is every exemplar.

Sajad Norouzi, David J. Fleet, Mohammad Norouzi. Exemplar VAE: Linking Generative Models, Nearest Neighbor Retrieval,
and Data Augmentation. 2020. https://arxiv.org/abs/2004.04795
"""

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from likeness.data.memory import from_uint8, to_uint8

BLOCK = 2**24  # pairs of a code and an exemplar held at once where no gradient is wanted


class Memory(nn.Module):
    """Room for `capacity` samples by their places, images as 8 bits; `kept` says which have come."""

    samples: Tensor
    kept: Tensor

    def __init__(self, capacity: int, event: tuple[int, ...]) -> None:
        super().__init__()
        kind = torch.uint8 if len(event) == 3 else torch.float32
        self.register_buffer("samples", torch.zeros(capacity, *event, dtype=kind))
        self.register_buffer("kept", torch.zeros(capacity, dtype=torch.bool))

    def __len__(self) -> int:
        return len(self.kept)

    def keep(self, rows: Int[Tensor, " m"], x: Float[Tensor, " m *event"]) -> None:
        self.samples[rows] = to_uint8(x) if self.samples.dtype == torch.uint8 else x
        self.kept[rows] = True

    def recall(self, rows: Int[Tensor, " m"]) -> Float[Tensor, " m *event"]:
        x = self.samples[rows]
        return from_uint8(x) if x.dtype == torch.uint8 else x


def log_normals(
    z: Float[Tensor, "n d"], centres: Float[Tensor, "m d"], log_variance: Float[Tensor, ""]
) -> Float[Tensor, "n m"]:
    """log N(z; μₙ, σ² I) of every pair."""
    squares = z.square().sum(1)[:, None] + centres.square().sum(1) - 2 * z @ centres.T
    return -(squares * (-log_variance).exp() + z.shape[1] * (log_variance + math.log(2 * math.pi))) / 2


def log_mixture(
    z: Float[Tensor, "n d"],
    centres: Float[Tensor, "m d"],
    log_variance: Float[Tensor, ""],
    used: Bool[Tensor, "n m"] | None = None,
    count: Int[Tensor, " n"] | None = None,
) -> Float[Tensor, " n"]:
    """Nats of each code under the mixture.

    Args:
        used: which centres each code may see; all of them if not given.
        count: how many exemplars there are for each code, of which `centres` are only some (3); those used (1), (2)
            if not given.
    """
    nats = log_normals(z, centres, log_variance)
    if used is not None:
        nats = nats.masked_fill(~used, -math.inf)
    if count is None:
        count = torch.full_like(z[:, 0], len(centres)) if used is None else used.sum(1)
    return torch.logsumexp(nats, 1) - count.log()  # (1), (2), (3)


def others(mine: Int[Tensor, " n"], rows: Int[Tensor, " m"]) -> Bool[Tensor, "n m"]:
    """Which exemplars each sample learns from: those that are not the sample itself."""
    return mine[:, None] != rows  # (2)
