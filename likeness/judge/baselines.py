"""What a number is held against: a Gaussian fitted to the features, the memoriser and noise (beside held-out data)."""

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.sampling import Streams

HELD_OUT, GAUSSIAN, MEMORISER, NOISE = "held-out", "gaussian", "memoriser", "noise"


def gaussian(fitted: Float[Tensor, "m d"], n: int, *, seed: int = 0) -> Float[Tensor, "n d"]:
    """`n` draws from the Gaussian with the mean and covariance of the features `fitted`, singular or not."""
    mean = fitted.double().mean(0)
    R = torch.linalg.qr((fitted.double() - mean) / (len(fitted) - 1) ** 0.5).R
    z = Streams(seed).split(GAUSSIAN).normal(n, len(R), device=fitted.device).double()
    return (mean + z @ R).float()


def memoriser(train: Tensor, n: int, *, seed: int = 0) -> Tensor:
    """`n` training samples, each once as long as there are enough of them."""
    rounds = -(-n // len(train))
    generator = torch.Generator().manual_seed(seed)
    order = [torch.randperm(len(train), generator=generator) for _ in range(rounds)]
    return train[torch.cat(order)[:n]]


def noise(like: Tensor, n: int, *, seed: int = 0) -> Tensor:
    """`n` samples of the shape of those in `like`, every number uniform between the smallest and largest there."""
    low, high = float(like.min()), float(like.max())
    u = Streams(seed).split(NOISE).uniform(n, *like.shape[1:], device=like.device)
    return low + (high - low) * u


def halves(x: Tensor, *, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Two parts without a common row, of equal size where the number is even, by a seeded shuffle."""
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    return x[order[: len(x) // 2]], x[order[len(x) // 2 :]]
