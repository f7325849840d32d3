"""A run is a folder: what was asked for, what happened, what was learned, what it looks like.

config.json               the recipe, its settings and the facts about the data they were used on
metrics.jsonl             one record a line (see `track`);  events/  the same for TensorBoard
checkpoints/last.safetensors, best.safetensors
state/                    what a training goes on from (see `state`)
samples/*.png             pictures;  report.html, report.json  what to look at
"""

import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from likeness import __version__
from likeness.errors import InputError
from likeness.files import read_json, write_json

FORMAT = 1  # of the folder; raised when an older version could no longer read it


@dataclass(frozen=True)
class Run:
    """The places of a run on disk and what its configuration says."""

    folder: Path
    config: dict[str, Any]

    @property
    def recipe(self) -> str:
        return self.config["recipe"]

    @property
    def settings(self) -> dict[str, Any]:
        return self.config["settings"]

    @property
    def facts(self) -> dict[str, Any]:
        return self.config["facts"]

    def checkpoint(self, which: str) -> Path:
        """`which` is "last" or "best"."""
        return self.folder / "checkpoints" / f"{which}.safetensors"

    def newest(self) -> Path:
        """The best checkpoint where one was kept, else the last.

        Raises:
            InputError: the run has none yet.
        """
        for which in ("best", "last"):
            if self.checkpoint(which).is_file():
                return self.checkpoint(which)
        raise InputError(f"{self.folder} holds no checkpoint: it stopped before one was saved; train again")


def create(
    folder: Path, recipe: str, settings: dict[str, Any], facts: dict[str, Any], about: dict[str, Any] | None = None
) -> Run:
    """Make the folder of a new run; `about` is kept in its configuration beside settings and facts.

    Raises:
        InputError: the folder already holds something; nothing in it is touched.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} already exists and is not empty: choose another --out or remove it")
    config = {
        "likeness": __version__,
        "format": FORMAT,
        "begun": datetime.now(UTC).isoformat(timespec="seconds"),
        "recipe": recipe,
        "settings": settings,
        "facts": facts,
        "environment": environment(settings.get("device", "cpu")),
        **(about or {}),
    }
    write_json(folder / "config.json", config)
    return Run(folder, config)


def open_run(folder: Path) -> Run:
    """Raises InputError where `folder` is not the folder of a run."""
    if not folder.exists():
        raise InputError(f"{folder} does not exist: check the path of the run")
    if not (folder / "config.json").is_file():
        raise InputError(f"{folder} is not a run (it has no config.json): give the folder that `likeness train` made")
    config = read_json(folder / "config.json")
    if config.get("format", 1) > FORMAT:
        version = config.get("likeness", "?")
        raise InputError(f"{folder} was made by likeness {version}, a newer version than {__version__}: use that one")
    if missing := {"recipe", "settings", "facts"} - set(config):
        raise InputError(f"{folder / 'config.json'} lacks {sorted(missing)[0]!r}: it is not the configuration of a run")
    return Run(folder, config)


def environment(device: str) -> dict[str, Any]:
    """What the numbers of a run depend on besides its settings."""
    name = torch.cuda.get_device_name(device) if device.startswith("cuda") else platform.machine()
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "device": f"{device} ({name})",
        "threads": torch.get_num_threads(),
        "platform": platform.system(),
    }
