"""ReLIC: contrast, with similarities to all other images that do not depend on which view shows them.

`--alpha` weighs that invariance; 0 is contrast alone. With `--decay` the other side of each pair is a target network
that follows.

Jovana Mitrovic, Brian McWilliams, Jacob Walker, Lars Buesing, Charles Blundell. Representation Learning via Invariant
Causal Mechanisms. 2020. https://arxiv.org/abs/2010.07922
"""

from dataclasses import dataclass
from typing import Annotated

from likeness.data.views import two
from likeness.recipes.common import Facts, Model, Range, positive
from likeness.recipes.representing import Viewed, assembled, chosen, networks
from likeness.represent.relic import ReLIC


@dataclass(frozen=True)
class Settings(Viewed):
    """Learn features by contrast and invariance."""

    alpha: Annotated[float, Range(0.1, 10.0, log=True)] = 1.0
    """Weight of the invariance."""
    tau: Annotated[float, Range(0.05, 1.0, log=True)] = 0.2
    """Temperature: the lower, the more the nearest others count."""
    symmetric: bool = True
    """Both directions of the divergence; else one, whose target is constant."""
    decay: float | None = None
    """What a target network keeps of itself at each step, such as 0.99; there is none if not given."""


def fitting(settings: Settings, facts: Facts) -> Settings:
    """The settings with every open choice made by the data.

    Raises:
        InputError: the views are not for such data, or a number is out of its range.
    """
    positive(settings, "tau")
    return chosen(settings, facts)


def build(settings: Settings, facts: Facts) -> Model:
    """The networks and their optimiser, for settings without open choices."""
    f, g, view = networks(settings, facts)
    s = settings
    method = ReLIC(f, g, two(view), tau=s.tau, alpha=s.alpha, symmetric=s.symmetric, decay=s.decay)
    return assembled(method, settings, facts)
