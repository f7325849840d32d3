"""`likeness variants RUN --data FILE`: draw near given records, so many of each, from an Exemplar VAE or a VAE."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
import tyro
from torch import Tensor

from likeness.app.console import say
from likeness.app.sample import place
from likeness.data.export import TABLES, read, write
from likeness.data.table import read_table
from likeness.density import VAE, ExemplarVAE
from likeness.errors import InputError
from likeness.recipes.pipeline import Session, reopen
from likeness.sampling import Streams


@dataclass(frozen=True)
class Options:
    """Draw near given records."""

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of the run."""
    data: Path
    """The records: .npy, .npz, .csv, .parquet, or a folder of images, of the shape that the run learned."""
    n: Annotated[int, tyro.conf.arg(aliases=["-n"])] = 10
    """How many near each record."""
    scale: float = 1.0
    """How far, in standard deviations that the model learned; smaller stays nearer."""
    out: Path | None = None
    """Where to, as for `sample`: the variants of the first record, then of the next; below the run if not given."""
    seed: int = 0
    """Decides all draws."""
    device: str = "cpu"
    """cpu, cuda, cuda:1 …"""


def run(options: Options) -> None:
    session = reopen(options.run, device=options.device)
    x = records(session, options.data).to(options.device)
    drawn = near(session.model.learner.method, x, options.n, options.scale, options.seed)
    path = write(drawn.flatten(0, 1), options.out or place(session, "variants"), session.columns)
    say(f"wrote {options.n} variants of each of {len(x)} records to {path}")


def records(session: Session, path: Path) -> Tensor:
    """Raises InputError where they are not of the shape that the run learned."""
    table = session.columns is not None and path.suffix in TABLES
    x = session.columns.encode(read_table(path)) if table and session.columns is not None else read(path)
    if tuple(x.shape[1:]) != session.facts.event:
        raise InputError(
            f"records of {path} have shape {tuple(x.shape[1:])}, the run learned {session.facts.event}: make them alike"
        )
    return x


@torch.no_grad()
def near(method: Any, x: Tensor, n: int, scale: float, seed: int) -> Tensor:
    """(m, n, *event): by the exemplar prior's σ, or of a VAE by its posterior's.

    Raises:
        InputError: a model without a place near a sample; n below one, or a scale that is not above zero.
    """
    if isinstance(method, ExemplarVAE):
        return method.variants(x, n, scale=scale, generator=seed)
    if not isinstance(method, VAE) or method.frequencies is not None:
        raise InputError("variants need codes of samples: use a run of exemplar-vae, or of vae without --conditional")
    if n < 1 or scale <= 0:
        raise InputError(f"{n} variants at scale {scale:g}: give one or more, and a scale above zero")
    source, q = Streams(seed), method.encode(x.repeat_interleave(n, 0))
    z = q.mean + scale * (q.log_variance / 2).exp() * source.normal(*q.mean.shape, device=x.device)
    return method.likelihood.sample(method.D(z), source).unflatten(0, (len(x), n))
