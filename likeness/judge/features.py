"""Feature spaces: where samples are compared, as a value with a name and the hash of what it was made of."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from likeness.errors import InputError
from likeness.findings import Finding
from likeness.judge.protocol import weights_hash
from likeness.spread import spread


@dataclass(frozen=True)
class FeatureSpace:
    """A map from samples to vectors.

    Attributes:
        name: what it is, in a word or two.
        extract: (n, *event) -> (n, d), in batches that `features_of` chooses; a module is moved to the device.
        weights: SHA-256 of its weights, "" where it has none.
        resize: what it does to the size of images.
        probabilities: features (n, d) -> class probabilities (n, classes), where it knows classes.
        findings: what its maker has to say of it (a poorly calibrated classifier, …).
    """

    name: str
    extract: Callable[[Tensor], Tensor]
    weights: str = ""
    resize: str = "none"
    probabilities: Callable[[Tensor], Tensor] | None = None
    findings: tuple[Finding, ...] = ()


# Makes a feature space from samples (n, *event) and, where it needs them, their labels (n,).
Fit = Callable[[Tensor, Tensor | None], FeatureSpace]


def features_of(
    space: FeatureSpace, x: Tensor, *, device: torch.device | str = "cpu", batch_size: int = 64
) -> Float[Tensor, "n d"]:
    """The features of all samples, float32, on the device; processes share what a network has to do.

    Raises:
        InputError: the features are no vectors, or not finite.
    """
    parts = x.split(batch_size)

    def extracted(i: int) -> Tensor:
        with torch.no_grad():
            return space.extract(parts[i].to(device))

    if isinstance(space.extract, nn.Module):
        space.extract.to(device).eval()
        features = torch.cat(spread(extracted, len(parts)))
    else:
        features = torch.cat([extracted(i) for i in range(len(parts))])
    if features.ndim != 2 or len(features) != len(x):
        raise InputError(
            f"the features {space.name} gave shape {tuple(features.shape)} for {len(x)} samples: need (n, d)"
        )
    if not features.isfinite().all():
        raise InputError(f"the features {space.name} of some samples are not finite: check the range of the samples")
    return features.float()


def raw(x: Tensor | None = None, y: Tensor | None = None) -> FeatureSpace:
    """The samples themselves, flattened; needs no fit."""
    return FeatureSpace("raw", lambda samples: samples.flatten(1).float())


def pca(x: Tensor, y: Tensor | None = None, *, components: int = 64) -> FeatureSpace:
    """The first principal components of `x` (n, *event), unscaled; fewer where the samples span fewer."""
    flat = x.flatten(1).double()
    mean = flat.mean(0)
    values, vectors = _principal(flat - mean)
    kept = min(components, int((values > values[0] * 1e-10).sum()))
    basis = vectors[:, :kept].float()
    weights = {"mean": mean.float(), "basis": basis}
    return FeatureSpace(f"pca{kept}", _Projection(weights["mean"], basis), weights_hash(weights))


class _Projection(nn.Module):
    mean: Tensor
    basis: Tensor

    def __init__(self, mean: Tensor, basis: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("basis", basis)

    def forward(self, x: Tensor) -> Tensor:
        return (x.flatten(1).float() - self.mean) @ self.basis


def _principal(centred: Tensor) -> tuple[Tensor, Tensor]:
    """Variances and directions, largest first, by the smaller of the two Gram matrices; signs made definite."""
    n, d = centred.shape
    if d <= n:
        values, vectors = torch.linalg.eigh(centred.T @ centred)
        values, vectors = values.flip(0), vectors.flip(1)
    else:
        _, singular, rows = torch.linalg.svd(centred, full_matrices=False)
        values, vectors = singular.square(), rows.T
    largest = vectors.gather(0, vectors.abs().argmax(0, keepdim=True))
    return values / max(1, n - 1), vectors * largest.sign()
