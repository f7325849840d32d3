"""What the parts of the card `autoencoders` share: networks, their training, and principal components beside them."""

from collections.abc import Callable
from math import prod
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.optim import Adam

from likeness.core import train
from likeness.data import Dataset, batches, load, whole
from likeness.data.corruptions import Corruption
from likeness.data.memory import InMemory
from likeness.represent import Autoencoder

UNIT = 4.0  # squared errors on [-1, 1] for one on [0, 1], the scale on which they are shown


class Images(NamedTuple):
    """Samples of the three splits, with their labels."""

    x: Tensor
    y: Tensor
    held: Tensor
    y_held: Tensor
    test: Tensor
    y_test: Tensor

    @property
    def event(self) -> tuple[int, ...]:
        return tuple(self.x.shape[1:])


def images(name: str, seed: int, limit: int | None = None) -> Images:
    data: Dataset = load(name, seed=seed, limit=limit)
    parts = [whole(split, limit) for split in (data.train, data.validation, data.test)]
    return Images(*[t for part in parts for t in (part.x, part.y)])  # type: ignore[arg-type]


def deep(event: tuple[int, ...], d_z: int, corrupt: Corruption | None = None) -> Autoencoder:
    """64-128-64-d-64-128-64 on digits; twice as wide within on larger images."""
    d = prod(event)
    a, b = (128, 64) if d <= 64 else (256, 128)
    E = nn.Sequential(nn.Flatten(), *_layers(d, a, b, d_z))
    D = nn.Sequential(*_layers(d_z, b, a, d), nn.Unflatten(1, event))
    return Autoencoder(E, D, latent=(d_z,), corrupt=corrupt)


def linear(event: tuple[int, ...], d_z: int) -> Autoencoder:
    d = prod(event)
    E, D = nn.Linear(d, d_z), nn.Linear(d_z, d)
    return Autoencoder(nn.Sequential(nn.Flatten(), E), nn.Sequential(D, nn.Unflatten(1, event)), latent=(d_z,))


def _layers(a: int, b: int, c: int, d: int) -> list[nn.Module]:
    return [nn.Linear(a, b), nn.ReLU(), nn.Linear(b, c), nn.ReLU(), nn.Linear(c, d)]


def fitted(
    build: Callable[[], Autoencoder],
    x: Tensor,
    *,
    epochs: int,
    seed: int,
    lr: float = 2e-3,
    size: int = 64,
    clip: float | None = None,
    device: torch.device | str = "cpu",
    tell: Callable[[int, Autoencoder], object] | None = None,
) -> Autoencoder:
    """Trained by Adam with a rate that falls to zero by a cosine; `tell` is called after each epoch."""
    torch.manual_seed(seed)
    ae = build().to(device)
    steps = epochs * (len(x) // size)
    move = Adam(ae.parameters(), lr)
    cool = torch.optim.lr_scheduler.CosineAnnealingLR(move, steps)
    watch = None if clip is None else (lambda player: nn.utils.clip_grad_norm_(player.parameters(), clip))
    for step in train(ae, batches(InMemory(x), size, seed=seed, steps=steps, device=device), move, gradients=watch):
        cool.step()
        if tell is not None and step.iteration % (len(x) // size) == 0:
            tell(step.iteration // (len(x) // size), ae)
    return ae.cpu().eval()


def mse(found: Tensor, x: Tensor) -> float:
    """Mean squared error a pixel, on the scale [0, 1]."""
    return float((found - x).square().mean()) / UNIT


class Components:
    """The first d principal components, by name as an autoencoder has them."""

    def __init__(self, x: Tensor, d: int) -> None:
        flat = x.flatten(1)
        self.event, self.m = x.shape[1:], flat.mean(0)
        self.V = torch.linalg.svd(flat - self.m, full_matrices=False).Vh[:d]

    def encode(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, "n d"]:
        return (x.flatten(1) - self.m) @ self.V.T

    def decode(self, z: Float[Tensor, "n d"]) -> Float[Tensor, " n *event"]:
        return (z @ self.V + self.m).unflatten(1, self.event)

    def reconstruct(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, " n *event"]:
        return self.decode(self.encode(x))


def auroc(scores: Float[Tensor, " n"], anomalous: Int[Tensor, " n"]) -> float:
    """How often an anomalous sample scores above a normal one."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(anomalous.numpy(), scores.numpy()))
