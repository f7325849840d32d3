"""Checkpoints: safetensors with a JSON header, so that loading one never runs code.

The format is a header of names, types and shapes followed by raw numbers: https://github.com/huggingface/safetensors
"""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from likeness.errors import DivergedError, InputError
from likeness.files import replacing

PICKLES = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


def save(path: Path, state: dict[str, Tensor], about: dict[str, Any]) -> None:
    """Write `state` with the facts `about` it, whole or not at all.

    Raises:
        DivergedError: a number in `state` is not finite; what stood at `path` still stands.
        InputError: the disk is full or the place cannot be written.
    """
    lost = next((k for k, v in state.items() if v.is_floating_point() and not bool(v.isfinite().all())), None)
    if lost is not None:
        raise DivergedError(f"{lost} is not finite: nothing was saved over {path.name}; lower the learning rate")
    tensors = {name: t.detach().cpu().contiguous().clone() for name, t in state.items()}
    with replacing(path) as beside:
        try:
            save_file(tensors, beside, metadata={"about": json.dumps(about)})
        except SafetensorError as error:  # it wraps the operating system's own error in words
            raise OSError(*_cause(error)) from error


def _cause(error: SafetensorError) -> tuple[int, str]:
    text = str(error)
    return (28, text) if "os error 28" in text or "No space" in text else (5, text)


def load(path: Path, device: torch.device | str = "cpu") -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and the facts about them.

    Raises:
        InputError: the file is missing, is a pickle, or is not a whole safetensors file.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist: check the path, or train first")
    with path.open("rb") as f:
        start = f.read(9)
    # a safetensors header of 640, 896 … bytes begins as a pickle does, with its length; the header itself begins with {
    if start.startswith(PICKLES) and start[8:] != b"{":
        raise InputError(
            f"{path} is a pickle, which can run code when opened: convert it to safetensors where you trust it"
        )
    try:
        with safe_open(path, framework="pt", device=str(device)) as f:
            about = json.loads((f.metadata() or {}).get("about", "{}"))
            return {name: f.get_tensor(name) for name in f.keys()}, about  # noqa: SIM118
    except (SafetensorError, json.JSONDecodeError) as error:
        raise InputError(f"{path} is not a whole safetensors file ({error}): use another checkpoint") from None


def restore(module: nn.Module, state: dict[str, Tensor], source: Path) -> None:
    """Put `state` into `module`; every name and every shape has to fit.

    Raises:
        InputError: names what is missing, too much or of another shape; `module` is left as it was.
    """
    own = {k: v for k, v in module.state_dict().items() if isinstance(v, Tensor)}
    if odd := sorted(own.keys() ^ state.keys()):
        where = "lacks" if odd[0] in own else "also has"
        raise InputError(f"{source} {where} {odd[0]} ({len(odd)} names differ): it was made by another network")
    for name, tensor in own.items():
        if tensor.shape != state[name].shape:
            raise InputError(
                f"{source}: {name} has shape {tuple(state[name].shape)}, this network wants {tuple(tensor.shape)}: "
                "build it with the settings of the run it came from"
            )
    module.load_state_dict(state)
