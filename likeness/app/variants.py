"""`likeness variants RUN --data DATA`: draw near given samples, so many of each, from an Exemplar VAE or a VAE."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
import tyro

from likeness.app.console import say
from likeness.app.inputs import OnData, for_run
from likeness.app.sample import place
from likeness.app.together import together
from likeness.data.export import write
from likeness.errors import InputError
from likeness.recipes.pipeline import reopen


@dataclass(frozen=True, kw_only=True)
class Options(OnData):
    """Draw near given samples."""

    n: Annotated[int, tyro.conf.arg(aliases=["-n"])] = 10
    """How many near each sample."""
    scale: float = 1.0
    """How far, in standard deviations that the model learned; smaller stays nearer."""
    out: Path | None = None
    """Where to, as for `sample`: the variants of the first sample, then of the next; below the run if not given."""
    seed: int = 0
    """Decides all draws."""


def run(options: Options) -> None:
    with together(options.device, options.threads) as where:
        session = reopen(options.run, which=options.checkpoint, device=where)
        variants = session.model.variants
        if variants is None:
            raise InputError(
                f"{options.run} is a run of {session.run.recipe}, which draws near no given sample: use one of "
                "exemplar-vae, or of vae without --conditional and --hierarchy"
            )
        x = for_run(session, options.data, options.part).to(where)
        with torch.no_grad():
            drawn = variants(x, options.n, scale=options.scale, generator=options.seed).flatten(0, 1).cpu()
        path = write(drawn, options.out or place(session, "variants"), session.columns)
        say(f"wrote {options.n} variants of each of {len(x)} samples to {path}")
