"""MoCo: contrast with a queue of features from batches before, by a network that follows slowly.

The number of negatives is that of `--queue`, whatever the size of a batch. `--objective align-uniform` draws pairs
together and spreads all features over the sphere instead, as alignment and uniformity do.

Kaiming He, Haoqi Fan, Yuxin Wu, Saining Xie, Ross Girshick. Momentum Contrast for Unsupervised Visual Representation
Learning. 2019. https://arxiv.org/abs/1911.05722
"""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from likeness.data.views import two
from likeness.recipes.common import Facts, Model, Range, positive
from likeness.recipes.representing import Viewed, assembled, chosen, networks
from likeness.represent.align_uniform import queued
from likeness.represent.moco import MoCo


@dataclass(frozen=True)
class Settings(Viewed):
    """Learn features by contrast with a queue."""

    objective: Literal["contrast", "align-uniform"] = "contrast"
    """What is minimised of queries, their keys and the queue."""
    tau: Annotated[float, Range(0.05, 1.0, log=True)] = 0.2
    """Temperature of contrast: the lower, the more the nearest others count."""
    queue: int | None = None
    """Features kept of batches before; the largest power of two that is at most half of the data, up to 65536, if not
    given."""
    decay: float | None = None
    """What the network that follows keeps of itself at a step; 0.99, from 10 000 steps on 0.999 if not given."""


def fitting(settings: Settings, facts: Facts) -> Settings:
    """The settings with every open choice made by the data.

    Raises:
        InputError: the views are not for such data, or a number is out of its range.
    """
    positive(settings, "tau", "queue")
    steps = settings.steps or 0
    queue = min(65_536, 1 << max(1, facts.n_train // 2).bit_length() - 1)
    return chosen(settings, facts, queue=queue, decay=0.99 if steps < 10_000 else 0.999)


def build(settings: Settings, facts: Facts) -> Model:
    """The networks and their optimiser, for settings without open choices."""
    f, g, view = networks(settings, facts)
    s = settings
    own: dict[str, Any] = {"objective": queued()} if s.objective == "align-uniform" else {}
    method = MoCo(f, g, two(view), d=s.d_z, tau=s.tau, size=s.queue or 2, decay=s.decay or 0.0, **own)
    return assembled(method, settings, facts)
