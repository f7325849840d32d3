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
from likeness.errors import InputError, unknown
from likeness.language.generate import filters
from likeness.ranks import world
from likeness.recipes.pipeline import Session, drawing_from, reopen
from likeness.run.pictures import grid
from likeness.sampling import Sampler, Streams, draw_batches


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
    rule: Literal["ddpm", "ddim", "euler", "heun", "dpm++", "predictor-corrector"] | None = None
    """Of diffusion: how a draw goes down the noise levels; as in training if not given."""
    steps: int | None = None
    """Of diffusion: levels that a draw visits; as in training if not given."""
    eta: float | None = None
    """Of diffusion: share of noise in the steps of ddim and dpm++, from 0 to 1."""
    scale: float | None = None
    """Of conditional diffusion: guidance; 1 is the model itself, more is more typical of a class."""
    label: str | None = None
    """Of conditional diffusion: draw this class alone."""
    states: int | None = None
    """Of diffusion on images: instead of draws, a picture of so many states on the way of each."""
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
        session = drawing_from(reopen(options.run, which=options.checkpoint, device=where))
        if options.states is not None:
            if world().rank == 0:
                say(f"wrote the way of the draws to {way(session, options)}")
            return
        x = drawn(sampler_of(session, options), options.n, options.seed, options.batch_size)
        if world().rank == 0:
            path = write(x, options.out or place(session, "samples"), session.columns or session.vocabulary)
            kind = session.model.drawn
            say(f"wrote {options.n} samples to {path}" + (f" ({kind})" if kind else ""))


def sampler_of(session: Session, o: Options) -> Sampler:
    """The sampler of the run, for text and diffusion with what the options say.

    Raises:
        InputError: they are given for another kind of run, or out of their range.
    """
    known, sampler = session.vocabulary, session.model.sampler
    if changed := changed_of(session, o):
        sampler = cast(Sampler, partial(sampler, **changed))
    if o.label is not None:
        sampler = Only(sampler, class_of(session, o.label))
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


def changed_of(session: Session, o: Options) -> dict[str, Any]:
    """What the options change in the draws of a diffusion model.

    Raises:
        InputError: the run is no such model, or cannot be drawn from so.
    """
    given = {"rule": o.rule, "steps": o.steps, "eta": o.eta, "scale": o.scale}
    changed, drawing = {name: value for name, value in given.items() if value is not None}, session.model.drawing
    if drawing is None and (changed or o.states is not None or o.label is not None):
        raise InputError(
            "--rule, --steps, --eta, --scale, --label and --states are for diffusion models, and "
            f"{session.run.folder} is a {session.run.recipe}: leave them out"
        )
    if changed:
        drawing.changed(**changed)
    return changed


class Only:
    """The draws of one class."""

    def __init__(self, sampler: Sampler, c: int) -> None:
        self.sampler, self.c = sampler, c

    def __call__(self, n: int, *, generator: int | Streams | None = None) -> torch.Tensor:
        drawing: Any = self.sampler  # of a conditional model
        return drawing(n, generator=generator, y=torch.full((n,), self.c))


def class_of(session: Session, label: str) -> int:
    """Raises InputError for a run without classes, and for a name that is none of them."""
    names = session.facts.classes if session.model.drawing.classes else ()
    if not names:
        raise InputError(f"--label {label}: {session.run.folder} was not trained by class; leave it out")
    if label not in names:
        raise unknown("class", label, names)
    return names.index(label)


def way(session: Session, o: Options) -> Path:
    """A picture of states on the way from noise to draws, a row each, scaled to the same spread.

    Raises:
        InputError: the run is no diffusion model of images, or there are too few states to show.
    """
    changed, kind = changed_of(session, o), session.facts.kind
    if kind != "images" or (o.states or 0) < 2:
        raise InputError(f"--states {o.states} of {kind}: two or more states are shown, of images")
    drawing, y = session.model.drawing, None if o.label is None else torch.full((o.n,), class_of(session, o.label))
    states = list(drawing.states(o.n, generator=Streams(o.seed), y=y, **changed))
    sigmas = drawing.changed(**changed).sigmas.tolist()
    places = torch.linspace(0, len(states) - 1, min(o.states or 0, len(states))).round().long().tolist()
    shown = torch.stack([states[i].cpu() / (1 + sigmas[i] ** 2) ** 0.5 for i in places], 1)
    path = o.out or session.run.folder / "states.png"
    return grid(shown.clamp(-1, 1).flatten(0, 1), path, columns=len(places))


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
