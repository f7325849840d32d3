"""`likeness sample RUN`: draw from a run, to a file that suits what it learned."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import torch
import tyro

from likeness.app.console import progress, say
from likeness.app.together import together
from likeness.data.export import write
from likeness.ranks import world
from likeness.recipes.pipeline import Session, reopen
from likeness.sampling import Sampler, draw_batches


@dataclass(frozen=True)
class Options:
    """Draw from a run."""

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of the run."""
    n: Annotated[int, tyro.conf.arg(aliases=["-n"])] = 64
    """How many samples."""
    out: Path | None = None
    """Where to: .npy, .npz, .csv, .parquet, .png (one grid), or a folder of PNG files; below the run if not given."""
    seed: int = 0
    """Sample i depends on the seed and on i alone, not on the batch size."""
    batch_size: int = 256
    """Samples drawn at a time."""
    checkpoint: Literal["best", "last"] | None = None
    """Which weights; the best by the judged score if not given."""
    device: str = "auto"
    """cpu, cuda, cuda:1 …; auto takes a GPU where there is one."""
    threads: int | None = None
    """Processor threads."""
    processes: int = 1
    """Processes that share the work; they change nothing in its outcome."""


def run(options: Options) -> None:
    with together(options.device, options.threads) as where:
        session = reopen(options.run, which=options.checkpoint, device=where)
        x = drawn(session.model.sampler, options.n, options.seed, options.batch_size)
        if world().rank == 0:
            path = write(x, options.out or place(session, "samples"), session.columns)
            kind = session.model.drawn
            say(f"wrote {options.n} samples to {path}" + (f" ({kind})" if kind else ""))


def drawn(sampler: Sampler, n: int, seed: int, batch_size: int) -> torch.Tensor:
    """`n` draws, with a bar."""
    parts, done = [], 0
    with progress("drawing", n) as bar:
        for part in draw_batches(sampler, n, generator=seed, batch_size=batch_size):
            parts.append(part)
            bar.update(done := done + len(part))
    return torch.cat(parts)


def place(session: Session, name: str) -> Path:
    """Where draws go if nobody says: a picture of images, a table of rows, else an array."""
    kind = session.facts.kind
    return session.run.folder / f"{name}{'.png' if kind == 'images' else '.csv' if kind == 'table' else '.npy'}"
