"""SimCLR: features of images that tell two views of one from those of all others in the batch.

What is learned needs no labels; the report shows what a few of them are worth on it. Larger batches contrast with
more: where they do not fit into memory, `--block` compares so many views at a time, with the same gradient.

Ting Chen, Simon Kornblith, Mohammad Norouzi, Geoffrey Hinton. A Simple Framework for Contrastive Learning of Visual
Representations. 2020. https://arxiv.org/abs/2002.05709
"""

from dataclasses import dataclass
from typing import Annotated

from likeness.data.views import two
from likeness.recipes.common import Facts, Model, Range, positive
from likeness.recipes.representing import Viewed, assembled, chosen, networks
from likeness.represent.simclr import SimCLR


@dataclass(frozen=True)
class Settings(Viewed):
    """Learn features by contrast."""

    tau: Annotated[float, Range(0.05, 1.0, log=True)] = 0.2
    """Temperature: the lower, the more the nearest others count."""
    block: int | None = None
    """Views compared at a time, in memory linear in the batch; all if not given."""


def fitting(settings: Settings, facts: Facts) -> Settings:
    """The settings with every open choice made by the data.

    Raises:
        InputError: the views are not for such data, or a number is out of its range.
    """
    positive(settings, "tau", "block")
    return chosen(settings, facts)


def build(settings: Settings, facts: Facts) -> Model:
    """The networks and their optimiser, for settings without open choices."""
    f, g, view = networks(settings, facts)
    return assembled(SimCLR(f, g, two(view), tau=settings.tau, block=settings.block), settings, facts)
