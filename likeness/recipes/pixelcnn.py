"""A PixelCNN for images: drawn pixel by pixel, with the exact probability of every image.

What is modelled is rounded pixels: as many levels as the data are found to have, by a mixture of logistics; or with
`binary` two, of which the grey value of a training pixel is the probability, drawn anew at each step. The checkpoints
of a binary model are chosen by validation images that are drawn so too; the probability that it states of an image is
that of its pixels rounded to black and white.

Depth decides how far a pixel sees: 3 rows by the first layer, one more by each after it, and in images of more than 16
rows 1, 2 and 4 more by turns (dilated convolutions), so that a few layers see most of a digit. The paper's layers see
one more always.
"""

from dataclasses import dataclass, replace
from typing import Annotated, Any

import torch
from torch import Tensor, nn
from torch.optim import Adam

from likeness.density.conditionals import Binary, Conditional
from likeness.density.likelihoods import binarised
from likeness.density.logistics import Logistics
from likeness.density.pixelcnn import PixelCNN
from likeness.errors import InputError
from likeness.nn.average import average
from likeness.nn.blocks import channels_last
from likeness.nn.pixelcnn import GatedPixelCNN
from likeness.recipes.common import Common, Facts, Model, Range, positive
from likeness.run.learner import Learner

SEARCHED = ("lr", "filters", "layers", "mixtures")  # by a sweep that is not told what to search


@dataclass(frozen=True)
class Settings(Common):
    """Train a PixelCNN."""

    filters: Annotated[int | None, Range(8, 128, log=True)] = None
    """Channels of each of the two stacks; chosen by the images if not given."""
    layers: Annotated[int | None, Range(3, 16)] = None
    """Gated layers; each lets a pixel see further. Chosen by the images if not given."""
    mixtures: Annotated[int | None, Range(1, 10)] = None
    """Logistics that a pixel's distribution is made of; 5 for grey and 10 for colour if not given."""
    levels: int | None = None
    """Values that a pixel can have; as the data have if not given: 256 of 8 bits, 17 of the digits."""
    binary: bool = False
    """Model black and white pixels, drawn anew at each step with the grey value as probability."""
    lr: Annotated[float, Range(1e-4, 1e-2, log=True)] = 2e-3
    """Learning rate."""
    ema: Annotated[float, Range(0.9, 0.9999)] = 0.99
    """Share of the averaged weights that is kept at each step; 0 uses the last weights."""
    conditional: bool = False
    """Generate by class, where the data have labels."""


def fitting(settings: Settings, facts: Facts) -> Settings:
    """The settings with every open choice made by the data.

    Raises:
        InputError: the data are no images, a number is out of its range, or a setting does not suit another.
    """
    positive(settings, "steps", "batch_size", "filters", "layers", "mixtures", "lr", "judge_every")
    if len(facts.event) != 3:
        raise InputError(f"a PixelCNN is for images and these are {facts.kind}: use made, flow or mixture")
    if settings.conditional and not facts.classes:
        raise InputError("--conditional needs labels and the data have none: use class subfolders, y, or --label")
    if settings.levels is not None and settings.levels < 2:
        raise InputError(f"--levels {settings.levels}: a pixel has two values or more, 256 of 8 bits")
    if settings.binary and (settings.levels, settings.mixtures) != (None, None):
        raise InputError("--binary pixels have two levels and no mixture: leave --levels and --mixtures out")
    c, h, _ = facts.event
    small = h <= 16
    chosen: dict[str, Any] = {
        "levels": None if settings.binary else facts.levels or 256,
        "filters": 32 if c == 1 else 48,
        "layers": 5 if small else 8,
        "mixtures": None if settings.binary else 5 if c == 1 else 10,
        "batch_size": min(64 if small else 16, facts.n_train),
        "steps": 2000 if small else 4000,
    }
    return replace(settings, **{k: v for k, v in chosen.items() if getattr(settings, k) is None})


def build(settings: Settings, facts: Facts) -> Model:
    """The model, its optimiser and its averaged weights, for settings without open choices."""
    method = _method(settings, facts).to(settings.device)
    ema = average(method, settings.ema)
    state = nn.ModuleDict({"method": method, "average": ema})
    fused = torch.device(settings.device).type == "cpu" or None
    optimiser = Adam(method.parameters(), settings.lr, fused=fused)
    mean: Any = ema.module

    def cost(x: Tensor) -> Tensor:
        return -mean.log_prob(binarised(x))

    return Model(
        Learner(method, optimiser, lambda: ema.update(method), state, (method.net,)),
        mean.sample,
        log_prob=mean.log_prob,
        log_prob_kind=mean.log_prob_kind,
        levels=mean.levels,
        score=("nll", cost) if settings.binary else None,
    )


def _method(settings: Settings, facts: Facts) -> PixelCNN:
    c, classes = facts.event[0], len(facts.classes) if settings.conditional else 0
    levels, mixtures = settings.levels or 256, settings.mixtures or 1
    conditional: Conditional = Binary(c) if settings.binary else Logistics(c, levels, mixtures)
    net = GatedPixelCNN(
        c,
        conditional.outputs,
        filters=settings.filters or 1,
        layers=settings.layers or 1,
        dilations=(1, 2, 4) if facts.event[1] > 16 else (1,),
        classes=classes,
    )
    if not settings.shard:  # what is cut must lie in a row
        channels_last(net)
    labels = torch.tensor(facts.label_counts) if settings.conditional else None
    observe = binarised if settings.binary else None
    return PixelCNN(net, conditional, facts.event, observe=observe, labels=labels)
