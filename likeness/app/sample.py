"""`likeness sample RUN`: draw from a run, to a file that suits what it learned."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import torch
import tyro

from likeness.app.console import progress, say
from likeness.app.together import together
from likeness.data.export import write
from likeness.errors import InputError
from likeness.language.generate import filters
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
    temperature: float = 1.0
    """Of text: below one the draws are more probable than the model's own, 0 takes the most probable token."""
    top_k: int | None = None
    """Of text: draw among so many of the most probable tokens."""
    top_p: float | None = None
    """Of text: draw among the fewest tokens that have this probability together."""
    prompt: str | None = None
    """Of text: what each draw begins with."""
    length: int | None = None
    """Of text: tokens of a draw, those of the prompt among them; as many as in training if not given."""
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
        x = drawn(sampler_of(session, options), options.n, options.seed, options.batch_size)
        if world().rank == 0:
            path = write(x, options.out or place(session, "samples"), session.columns or session.vocabulary)
            kind = session.model.drawn
            say(f"wrote {options.n} samples to {path}" + (f" ({kind})" if kind else ""))


def sampler_of(session: Session, o: Options) -> Sampler:
    """The sampler of the run, for text with what the options say.

    Raises:
        InputError: they are given for another kind of run, or out of their range.
    """
    known, sampler = session.vocabulary, session.model.sampler
    if (o.temperature, o.top_k, o.top_p, o.prompt, o.length) == (1.0, None, None, None, None):
        return sampler
    if known is None:
        raise InputError(
            f"--temperature, --top-k, --top-p, --prompt and --length are for text, and {session.run.folder} learned "
            f"{session.facts.kind}: leave them out"
        )
    prompt = None if not o.prompt else torch.from_numpy(known.encode(o.prompt))
    through = filters(o.temperature, o.top_k, o.top_p)
    drawing: Any = sampler  # of a language model
    return cast(Sampler, partial(drawing, prompt=prompt, length=o.length, through=through))


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
    return (
        session.run.folder
        / f"{name}{'.png' if kind == 'images' else '.csv' if kind == 'table' else '.txt' if kind == 'text' else '.npy'}"
    )
