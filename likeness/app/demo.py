"""`likeness demo`: the main job on data that are built in, from training to the report."""

from dataclasses import dataclass
from pathlib import Path

from likeness.app import train
from likeness.app.console import threads
from likeness.recipes.gan import Settings
from likeness.recipes.pipeline import free_folder


@dataclass(frozen=True)
class Options:
    """A GAN on 25 Gaussians, stopped early; its draws refined by its critic, judged before and after, reported."""

    out: Path | None = None
    """Folder of the run; a new one below runs/ if not given."""
    seed: int = 0
    """Decides everything."""
    threads: int = 1
    """Processor threads; networks as small as these are fastest on one."""


def run(options: Options) -> None:
    threads(options.threads)
    folder = options.out or free_folder(Path("runs"), "demo")
    train.run(train.Asked("gan", Settings(data="grid25", steps=2500, seed=options.seed, device="cpu", out=folder)))
