"""Foreign weights at the border: found or fetched once, checked by their hash, kept as safetensors.

A pickled file is opened only if its SHA-256 begins as the published one does, and then for tensors alone.
"""

import hashlib
import os
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from likeness.errors import InputError
from likeness.judge.features import FeatureSpace
from likeness.judge.inception import SIDE, network_of
from likeness.judge.protocol import weights_hash

URL = "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth"
PREFIX = "6726825d"


def cache() -> Path:
    """Where fetched weights are kept: `LIKENESS_CACHE`, else `~/.cache/likeness`."""
    return Path(os.environ.get("LIKENESS_CACHE", Path.home() / ".cache" / "likeness"))


def inception(path: Path | str | None = None) -> FeatureSpace:
    """Inception-v3 features (2048) and class probabilities (1008) of images in [−1, 1].

    Args:
        path: the published `.pth` file or its conversion to `.safetensors`; if not given, it is fetched once.

    Raises:
        InputError: the file is missing, is not the published one, or cannot be fetched.
    """
    tensors = read(Path(path)) if path is not None else read(fetched())
    network = network_of(tensors)
    resize = f"8 bits, bilinear to {SIDE} with antialiasing"
    return FeatureSpace("inception-v3", network, weights_hash(tensors), resize, network.probabilities)


def read(path: Path) -> dict[str, Tensor]:
    """The tensors of a `.safetensors` file, or of the published pickle.

    Raises:
        InputError: there is no such file; it is no safetensors file; it is a pickle other than the published one.
    """
    if not path.is_file():
        raise InputError(f"no weights at {path}: give the path of the Inception file ({URL})")
    if path.suffix != ".safetensors":
        return published(path, PREFIX)
    try:
        return load_file(path)
    except SafetensorError as error:
        raise InputError(f"{path} is no safetensors file ({error}): fetch or convert it again") from None


def published(path: Path, prefix: str) -> dict[str, Tensor]:
    """The tensors of a pickled file that is known by its hash; nothing else is opened."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if not digest.startswith(prefix):
        raise InputError(f"{path} has SHA-256 {digest[:8]}…, the known weights {prefix}…: fetch it again from {URL}")
    tensors: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return {name: tensor.contiguous() for name, tensor in tensors.items()}


def fetched() -> Path:
    """The converted weights in the cache, fetched from the network the first time.

    Raises:
        InputError: they are not in the cache and cannot be fetched.
    """
    kept = cache() / "inception-2015-12-05.safetensors"
    if kept.is_file():
        return kept
    kept.parent.mkdir(parents=True, exist_ok=True)
    part = kept.with_suffix(".part")
    try:
        with urlopen(URL, timeout=60) as source:
            part.write_bytes(source.read())
        save_file(published(part, PREFIX), kept.with_suffix(".new"))
        kept.with_suffix(".new").replace(kept)
    except (URLError, OSError) as error:
        raise InputError(
            f"the Inception weights could not be fetched ({error}): download {URL} elsewhere and give its path"
        ) from None
    finally:
        part.unlink(missing_ok=True)
    return kept
