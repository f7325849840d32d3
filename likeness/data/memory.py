"""A split whose samples lie in memory: indexed in one go, converted to floats only as they are handed out."""

import hashlib

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped, UInt8
from torch import Tensor

from likeness.data.batch import Batch

Places = np.ndarray  # (n,) int64
Digests = np.ndarray  # (n,) uint64, a hash of the content of each sample
CHUNK = 1024  # samples looked at together


class InMemory:
    """Rows `rows` of `x` and `y`, in that order; several splits can share one `x`.

    Args:
        x: uint8 images, handed out as floats in [-1, 1]; or float32 of any shape, handed out as it is.
        factors: what is known of every row beyond its class, by name.
    """

    def __init__(
        self,
        x: Shaped[Tensor, "m ..."],
        y: Int[Tensor, "m ..."] | None = None,
        rows: Int[Tensor, " n"] | None = None,
        factors: dict[str, Tensor] | None = None,
    ) -> None:
        self.x, self.y, self.all_factors = x, y, factors or {}
        self.rows = torch.arange(len(x)) if rows is None else rows
        self.known: Digests | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Int[Tensor, " b"]) -> Batch:
        rows = self.rows[index]
        x = self.x.index_select(0, rows)
        y = None if self.y is None else self.y.index_select(0, rows)
        return Batch(from_uint8(x) if x.dtype == torch.uint8 else x, y, index)

    @property
    def event(self) -> tuple[int, ...]:
        return tuple(self.x.shape[1:])

    @property
    def factors(self) -> dict[str, Tensor]:
        """What is known of every sample of this split, by name."""
        return {name: value[self.rows] for name, value in self.all_factors.items()}

    @property
    def labels(self) -> Tensor | None:
        return None if self.y is None else self.y[self.rows]

    @property
    def nbytes(self) -> int:
        return len(self) * self.x[0].nbytes

    @property
    def digests(self) -> Digests:
        """Computed once; the splits that are taken from this one inherit theirs."""
        if self.known is None:
            found = [digests(self.x.index_select(0, rows).numpy()) for rows in self.rows.split(CHUNK)]
            self.known = np.concatenate(found) if found else np.zeros(0, np.uint64)
        return self.known

    def take(self, places: Places) -> "InMemory":
        """The samples at those places of this split, sharing its memory."""
        split = InMemory(self.x, self.y, self.rows[torch.from_numpy(places)], self.all_factors)
        split.known = None if self.known is None else self.known[places]
        return split

    def to(self, device: torch.device) -> "InMemory":
        """A copy of this split's samples on the device, and of nothing else."""
        y = None if self.y is None else self.y[self.rows].to(device)
        return InMemory(self.x[self.rows].to(device), y, torch.arange(len(self), device=device))


def from_uint8(x: UInt8[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """0 … 255 to [-1, 1]."""
    return x.float().sub_(127.5).mul_(1 / 127.5)


def to_uint8(x: Float[Tensor, "*shape"]) -> UInt8[Tensor, "*shape"]:
    """[-1, 1] to 0 … 255, rounded; values beyond are clipped."""
    return x.add(1).mul_(127.5).round_().clamp_(0, 255).to(torch.uint8)


def digests(x: np.ndarray) -> Digests:
    """A 64-bit hash of every row."""
    hashes = b"".join(hashlib.blake2b(row, digest_size=8).digest() for row in np.ascontiguousarray(x))
    return np.frombuffer(hashes, np.uint64)
