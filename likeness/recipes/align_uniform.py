"""Alignment and uniformity: the two views of an image near each other, and all features spread over the sphere.

Neither needs a temperature or negatives. With `--contrast` above zero that loss is added, which was best on STL-10
in the paper. `--uniform 0` shows why both are needed: alignment alone collapses, and the run says so.

Tongzhou Wang, Phillip Isola. Understanding Contrastive Representation Learning through Alignment and Uniformity on the
Hypersphere. 2020. https://arxiv.org/abs/2005.10242
"""

from dataclasses import dataclass
from typing import Annotated

from likeness.data.views import two
from likeness.recipes.common import Facts, Model, Range, positive
from likeness.recipes.representing import Viewed, assembled, chosen, networks
from likeness.represent.align_uniform import AlignUniform


@dataclass(frozen=True)
class Settings(Viewed):
    """Learn features by alignment and uniformity."""

    align: Annotated[float, Range(0.25, 4.0, log=True)] = 1.0
    """Weight of alignment."""
    uniform: Annotated[float, Range(0.25, 4.0, log=True)] = 1.0
    """Weight of uniformity."""
    alpha: float = 2.0
    """Power of the distance between two views."""
    t: float = 2.0
    """Of the potential: higher, and only near features repel each other."""
    contrast: float = 0.0
    """Weight of contrast on top."""
    tau: Annotated[float, Range(0.05, 1.0, log=True)] = 0.5
    """Temperature of the contrast."""


def fitting(settings: Settings, facts: Facts) -> Settings:
    """The settings with every open choice made by the data.

    Raises:
        InputError: the views are not for such data, or a number is out of its range.
    """
    positive(settings, "alpha", "t", "tau")
    return chosen(settings, facts)


def build(settings: Settings, facts: Facts) -> Model:
    """The networks and their optimiser, for settings without open choices."""
    f, g, view = networks(settings, facts)
    s = settings
    given = {"align": s.align, "uniform": s.uniform, "alpha": s.alpha, "t": s.t, "contrast": s.contrast, "tau": s.tau}
    return assembled(AlignUniform(f, g, two(view), **given), settings, facts)
