"""The state of a training on disk: enough to go on as if it had never stopped.

state/step-000000500/
  shard-….safetensors     the tensors, written by torch.distributed.checkpoint: each process writes its share, and any
                          number of processes can read them
  state.json              everything else, and the size and SHA-256 of every file

The folder is written beside its place, flushed, and renamed, so that a name without a leading dot is always whole.
What was damaged afterwards is found by its checksum; then the state before it is used. Nothing in it can run code.
"""

import hashlib
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from torch import Tensor

from likeness.errors import InputError
from likeness.files import read_json, remove, replacing, write_json
from likeness.findings import Finding
from likeness.gradients import is_sharded
from likeness.ranks import world

FORMAT = 1


class Saved(NamedTuple):
    """A state on disk that was found to be whole: its folder, its iteration, and all of it that is no tensor."""

    folder: Path
    iteration: int
    facts: dict[str, Any]


def place(run: Path, iteration: int) -> Path:
    """The folder of the state at an iteration; names are in the order of the iterations, whatever clocks say."""
    return run / "state" / f"step-{iteration:09d}"


def save(run: Path, iteration: int, tensors: Mapping[str, Tensor], facts: Mapping[str, Any], keep: int = 2) -> None:
    """Write the state, then remove all but the last `keep`. Every process calls it; the tensors may be sharded.

    Raises:
        InputError: the disk is full or the folder cannot be written; the states before stand.
    """
    path, here = place(run, iteration), world()
    if here.rank:
        _write(Path(here.objects("")[0]), tensors)
        here.objects(None)
        return
    if path.exists():
        remove(path)  # of a run that went back to an earlier state and came here again
    with replacing(path) as beside:
        beside.mkdir()
        here.objects(str(beside))
        _write(beside, tensors)
        files = {f.name: _seal(f) for f in sorted(beside.iterdir())}
        write_json(beside / "state.json", {"format": FORMAT, "iteration": iteration, "files": files, **facts})
    for old in _steps(run)[:-keep]:
        remove(old)
    here.objects(None)


def newest(run: Path) -> tuple[Saved | None, list[Finding]]:
    """The last whole state, and what is to be said of later ones that are damaged."""
    found: list[Finding] = []
    for folder in reversed(_steps(run)):
        try:
            return _opened(folder), found
        except InputError as error:
            saw = f"The state {folder.name} is damaged ({error}), so the one before it is used."
            found.append(Finding("state-damaged", saw, "Check the disk; the damaged one is left where it is."))
    return None, found


def load(saved: Saved, tensors: Mapping[str, Tensor]) -> None:
    """Fill the tensors, in place, with those of their names.

    Raises:
        InputError: a name is missing on disk or has another shape.
    """
    import torch.distributed.checkpoint as dcp

    known = shapes(saved)
    for name, tensor in tensors.items():
        if name not in known:
            raise InputError(f"{saved.folder} has no {name}: it was made by another version or other settings")
        if known[name][0] != tensor.shape:
            raise InputError(
                f"{saved.folder}: {name} has shape {tuple(known[name][0])}, here it is {tuple(tensor.shape)}: "
                "go on with the settings it was made with"
            )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reader = dcp.HuggingFaceStorageReader(str(saved.folder))
        dcp.load(dict(tensors), storage_reader=reader, no_dist=world().size == 1)


def shapes(saved: Saved) -> dict[str, tuple[torch.Size, torch.dtype]]:
    """Shape and type of every tensor of a state."""
    import torch.distributed.checkpoint as dcp

    known = dcp.HuggingFaceStorageReader(str(saved.folder)).read_metadata().state_dict_metadata
    return {name: (about.size, about.properties.dtype) for name, about in known.items()}  # type: ignore[union-attr]


def _write(folder: Path, tensors: Mapping[str, Tensor]) -> None:
    import torch.distributed.checkpoint as dcp
    from torch.distributed.checkpoint.api import CheckpointException

    whole = {name: t.detach() if is_sharded(t) else t.detach().contiguous() for name, t in tensors.items()}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            writer = dcp.HuggingFaceStorageWriter(str(folder), save_distributed=True)
            dcp.save(whole, storage_writer=writer, no_dist=world().size == 1)
    except (CheckpointException, SafetensorError) as error:
        text = str(error)
        raise OSError(
            28 if "os error 28" in text or "No space" in text else 5, " ".join(text.split())[-200:]
        ) from error


def _seal(file: Path) -> dict[str, Any]:
    with file.open("rb") as f:
        return {"bytes": file.stat().st_size, "sha256": hashlib.file_digest(f, "sha256").hexdigest()}


def _steps(run: Path) -> list[Path]:
    return sorted(p for p in (run / "state").glob("step-*") if p.is_dir())


def _opened(folder: Path) -> Saved:
    """Raises InputError where a file is missing, was cut short or was changed."""
    facts = read_json(folder / "state.json")
    if not isinstance(facts, dict) or facts.get("format", 0) > FORMAT:
        raise InputError(f"{folder} was written by a newer version: use that one")
    for name, seal in facts["files"].items():
        if not (folder / name).is_file():
            raise InputError(f"{name} is missing")
        if _seal(folder / name) != seal:
            raise InputError(f"{name} is not what was written")
    return Saved(folder, facts["iteration"], facts)
