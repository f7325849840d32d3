"""`likeness reconstruct RUN --data DATA --out FILE`: data encoded and decoded again; of noisy data, denoised.

Of a run that has no codes and knows of noise (`ising`), the data are taken for noisy and restored.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from likeness.app.console import say, warn
from likeness.app.inputs import OnData, for_run, restoring
from likeness.app.together import together
from likeness.data.corruptions import Corruption, gaussian, masking, salt_and_pepper
from likeness.data.export import GRID, write
from likeness.errors import InputError
from likeness.recipes.pipeline import reopen
from likeness.represent import psnr
from likeness.run.pictures import grid

SHOWN = 12  # samples in a picture


@dataclass(frozen=True, kw_only=True)
class Options(OnData):
    """Encode data and decode them again."""

    out: Path
    """Where to: .npy, .npz, .csv, .parquet, a folder of PNG files; or .png, which shows the first samples: the data, if
    asked for the noise upon them, and below what came of them."""
    noise: Literal["none", "gaussian", "masking", "salt-and-pepper"] = "none"
    """Corrupt the data first, for a demonstration; what comes of them is held against the clean ones."""
    level: float | None = None
    """How much: the standard deviation of gaussian noise in units of the data (images lie in [-1, 1]), else the share
    of entries that are hit; 0.5 and 0.25 if not given."""
    seed: int = 0
    """Decides the noise."""


def run(options: Options) -> None:
    corrupt = corruption(options)
    with together(options.device, options.threads) as where:
        session = reopen(options.run, which=options.checkpoint, device=where)
        reconstruct = restoring(session)
        x = for_run(session, options.data, options.part)
        if options.out.suffix == GRID and x.ndim != 4:
            raise InputError(f"{options.out} is a picture and these are {session.facts.kind}: write .npy or .csv")
        torch.manual_seed(options.seed)
        seen = x if corrupt is None else corrupt(x)
        found = reconstruct(seen)
        warn(getattr(session.model.reconstruct, "findings", ()))
        rows = [x, found] if corrupt is None else [x, seen, found]
        path = _picture(rows, options.out) if options.out.suffix == GRID else write(found, options.out, session.columns)
        if corrupt is not None:
            say(f"noisy: {told(seen, x)}")
        say(f"{'reconstructed' if corrupt is None else 'denoised, held against the clean'}: {told(found, x)}")
        say(f"wrote {min(SHOWN, len(x)) if options.out.suffix == GRID else len(x)} samples to {path}")


def corruption(options: Options) -> Corruption | None:
    """The noise that is asked for.

    Raises:
        InputError: it cannot be.
    """
    level = options.level
    match options.noise:
        case "gaussian":
            return gaussian(0.5 if level is None else level)
        case "masking":
            return lambda x: masking(0.25 if level is None else level, -1.0 if x.ndim == 4 else 0.0)(x)
        case "salt-and-pepper":
            return salt_and_pepper(0.25 if level is None else level)
    if level is not None:
        raise InputError(f"--level {level:g} of no noise: give --noise gaussian, masking or salt-and-pepper")
    return None


def told(found: Tensor, clean: Tensor) -> str:
    """How far from the clean samples, in words: images by PSNR too, others by the share of the variance."""
    error = float((found - clean).square().mean())
    if clean.ndim == 4:
        return f"PSNR {psnr(found, clean):.2f} dB, mean squared error {error:.4g} on [-1, 1]"
    return f"mean squared error {error:.4g}, {error / float(clean.var(0).mean()):.1%} of the variance"


def _picture(rows: list[Tensor], path: Path) -> Path:
    shown = [x[:SHOWN] for x in rows]
    return grid(torch.cat(shown), path, columns=len(shown[0]))
