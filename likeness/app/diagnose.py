"""`likeness diagnose`: what is wrong with a trained model, on one page; or what a loss comes to."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from likeness.app.console import device, progress, say, threads, warn
from likeness.data.batching import whole
from likeness.data.load import load
from likeness.density.conversion import Loss, principal_variances
from likeness.doctor import loss, page
from likeness.doctor.examination import examined, sweep
from likeness.doctor.part import Part
from likeness.errors import InputError
from likeness.files import write_json
from likeness.recipes.pipeline import read, reopen
from likeness.recipes.spaces import space_for
from likeness.run.folder import open_run
from likeness.run.report import finite


@dataclass(frozen=True)
class Options:
    """Say what is wrong with a run; or, without a run, what a VAE's loss comes to."""

    run: Annotated[Path | None, tyro.conf.Positional] = None
    """Folder of a run; the page diagnosis.html is written into it."""
    sweep: bool = False
    """Also train short copies over σ (or β) and draw what each comes to (VAEs)."""
    points: int = 6
    """Values of that sweep."""
    sweep_steps: int = 600
    """Steps of each of its trainings."""
    evidence: bool = False
    """Also estimate log p(x) by annealed chains, which need no encoder (VAEs; takes minutes)."""
    checkpoint: Literal["best", "last"] | None = None
    """Which weights of the run; the best by the judged score if not given."""
    loss: bool = False
    """No run: tell what a loss comes to that is written as the following options say."""
    sigma: float | None = None
    """The σ in it; none if not given: the squared error then stands alone."""
    beta: float = 1.0
    """The weight of the KL in it."""
    mean_error: bool = False
    """The squared error is a mean over the dimensions (as `mse_loss` gives it) and not their sum."""
    mean_kl: bool = False
    """The KL is a mean over the latents and not their sum."""
    pixels: int | None = None
    """Dimensions of a sample; those of --data if not given."""
    latents: int | None = None
    """Latents; only needed with --mean-kl."""
    data: str | None = None
    """Data whose principal variances tell when a VAE collapses: a file, a folder or a name."""
    low: float = 0.0
    """The value of a black pixel in your loss; --low -1 for pixels in [-1, 1]."""
    json: Path | None = None
    """Write everything that was found to this file."""
    device: str = "auto"
    """cpu, cuda, cuda:1 …; auto takes a GPU where there is one."""
    threads: int | None = None
    """Processor threads."""


def run(options: Options) -> None:
    threads(options.threads)
    written = options.loss or options.mean_error or options.mean_kl or options.sigma is not None
    if written == (options.run is not None):
        raise InputError(
            "give the folder of a run, or a loss as you wrote it: --loss --mean-error --sigma 0.1 --pixels 784"
        )
    parts = [_converted(options)] if options.run is None else _diagnosed(options, options.run)
    _tell(parts)
    if options.json is not None:
        write_json(options.json, finite({part.anchor: part.as_dict() for part in parts}))
        say(f"wrote {options.json}")


def _converted(options: Options) -> Part:
    if options.pixels is None and options.data is None:
        raise InputError("--loss needs the dimensions of a sample: give --pixels N (28×28 images have 784) or --data")
    if options.mean_kl and options.latents is None:
        raise InputError("--mean-kl needs the number of latents: give --latents N")
    variances, dims = None, options.pixels
    if options.data is not None:
        x = whole(load(options.data).train, loss.LARGEST).x
        scale = (1 - options.low) / 2 if x.ndim == 4 else 1.0
        variances = principal_variances(x) * scale**2
        if dims is not None and dims != len(variances):
            raise InputError(f"--pixels {dims}: samples of {options.data} have {len(variances)}; leave --pixels out")
        dims = len(variances)
    written = Loss(options.sigma, options.beta, options.mean_error, options.mean_kl)
    return loss.of_words(written, dims or 0, options.latents or 1, variances)


def _diagnosed(options: Options, folder: Path) -> list[Part]:
    open_run(folder)  # a folder that is none is told before anything is read
    session = reopen(folder, which=options.checkpoint, device=device(options.device))
    data = read(session.settings)
    space = space_for(session.settings.features, data, session.settings.seed, session.settings.device)
    parts = []
    with progress("diagnosing") as bar:
        for done, (name, look) in enumerate(examined(session, data, space, chains=options.evidence)):
            bar.update(done, name)
            parts.append(look())
        if options.sweep:
            given: dict[str, Any] = {"points": options.points, "steps": options.sweep_steps}
            parts.append(sweep(session, data, space, **given, tell=bar.update))
    made = page.write(parts, folder, f"Diagnosis: {session.run.recipe} on {data.name}")
    say(f"page: {made}")
    return parts


def _tell(parts: Sequence[Part]) -> None:
    for part in parts:
        for sentence in part.words:
            say(f"{part.title}: {sentence}")
    warn(finding for part in parts for finding in part.findings)
