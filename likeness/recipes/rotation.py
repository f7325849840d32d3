"""Rotation: features of images by telling how each was turned; the simplest task without labels.

It asks nothing of other images, so that small batches do, and it costs four images for each. Where things have no
upright, or another class is the same thing turned (6 and 9), it learns little: the report says what it is worth.

Spyros Gidaris, Praveer Singh, Nikos Komodakis. Unsupervised Representation Learning by Predicting Image Rotations.
2018. https://arxiv.org/abs/1803.07728
"""

from dataclasses import dataclass

from likeness.errors import InputError
from likeness.recipes.common import Facts, Model
from likeness.recipes.representing import Viewed, assembled, chosen, networks
from likeness.represent.rotation import Rotation


@dataclass(frozen=True)
class Settings(Viewed):
    """Learn features by telling turns."""

    change: bool = True
    """Change images by --views before they are turned."""


def fitting(settings: Settings, facts: Facts) -> Settings:
    """The settings with every open choice made by the data.

    Raises:
        InputError: the data are no square images, or a number is out of its range.
    """
    if len(facts.event) != 3 or facts.event[1] != facts.event[2]:
        shape = "×".join(map(str, facts.event))
        raise InputError(
            f"rotation turns square images, and these are {facts.kind} of {shape}: give --size, or use simclr"
        )
    return chosen(settings, facts)


def build(settings: Settings, facts: Facts) -> Model:
    """The network and its optimiser, for settings without open choices."""
    f, _, view = networks(settings, facts)
    return assembled(Rotation(f, view=view if settings.change else None), settings, facts, shown=None)
