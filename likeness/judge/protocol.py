"""How a number was made: two numbers may stand side by side only where all of this agrees."""

import hashlib
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np
import torch
from torch import Tensor

from likeness.errors import InputError


def versions() -> dict[str, str]:
    """What computed the numbers; recorded, and no ground for refusing a comparison."""
    return {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__}


@dataclass(frozen=True)
class Protocol:
    """Everything a score depends on besides the samples.

    Attributes:
        reference: SHA-256 of the reference samples as given; `n_reference` of them were compared with.
        n: samples of the subject that were judged.
        features: name of the feature space, with the SHA-256 of its weights in `weights` ("" where it has none).
        resize: how images were brought to the size that the features need.
        dtype: precision of the features; all sums are float64.
        neighbours: k of precision, recall, density and coverage.
        train: SHA-256 of the training samples that memorisation is measured against, "" where there were none.
        heldout: SHA-256 of the held-out samples; or "half of the reference"; "" where there are no baselines.
        draws: what was drawn where a model can draw several things ("sample", "mean"); shown in a comparison, which it
            does not stand in the way of.
        seed: decides which samples are taken, how they are split, and every random number of the metrics.
    """

    reference: str
    n_reference: int
    n: int
    features: str
    weights: str
    resize: str
    dtype: str
    neighbours: int
    seed: int
    train: str = ""
    heldout: str = ""
    draws: str = ""
    versions: Mapping[str, str] = field(default_factory=versions)

    def differences(self, other: "Protocol") -> list[str]:
        """The names of the fields in which two protocols differ, versions and what is drawn aside."""
        names = [f.name for f in fields(self) if f.name not in ("versions", "draws")]
        return [name for name in names if getattr(self, name) != getattr(other, name)]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def same_protocol(protocols: Mapping[str, Protocol]) -> Protocol:
    """The protocol that all of them share.

    Raises:
        InputError: two differ; it names the fields and both values. Or there are none.
    """
    if not protocols:
        raise InputError("nothing to compare: give the scores of one subject or more")
    (first, protocol), *rest = protocols.items()
    for name, other in rest:
        if unlike := protocol.differences(other):
            pairs = "; ".join(f"{u}: {_short(getattr(protocol, u))} and {_short(getattr(other, u))}" for u in unlike)
            raise InputError(
                f"{first} and {name} were judged by unlike protocols ({pairs}): judge both in the same way"
            )
    return protocol


def fingerprint(x: Tensor) -> str:
    """SHA-256 of a tensor's type, shape and content."""
    array = np.ascontiguousarray(x.detach().cpu().numpy())
    head = f"{array.dtype.str}{array.shape}".encode()
    return hashlib.sha256(head + array.tobytes()).hexdigest()


def weights_hash(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 of named tensors, whatever their order."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(f"{name}:{fingerprint(tensors[name])};".encode())
    return digest.hexdigest()


def _short(value: object) -> str:
    text = str(value) or "none"
    return text[:12] if len(text) == 64 else text
