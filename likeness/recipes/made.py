"""MADE for vectors and tables: each number given those before it, with the exact density of every sample."""

from dataclasses import dataclass, replace
from typing import Annotated, Any

import torch
from torch import nn
from torch.optim import Adam

from likeness.density.conditionals import Gaussians
from likeness.density.made import MADE
from likeness.errors import InputError
from likeness.nn.average import average
from likeness.nn.masked import MaskedMLP
from likeness.recipes.common import Common, Facts, Model, Range, positive
from likeness.run.learner import Learner

SEARCHED = ("lr", "mixtures", "width", "noise")  # by a sweep that is not told what to search


@dataclass(frozen=True)
class Settings(Common):
    """Train a masked autoregressive network."""

    mixtures: Annotated[int, Range(1, 32, log=True)] = 10
    """Gaussians that the distribution of a number is made of."""
    width: Annotated[int, Range(32, 512, log=True)] = 128
    """Units of a hidden layer."""
    depth: Annotated[int, Range(1, 4)] = 2
    """Hidden layers."""
    lr: Annotated[float, Range(1e-4, 1e-2, log=True)] = 1e-3
    """Learning rate."""
    noise: Annotated[float | None, Range(1e-3, 0.2, log=True)] = None
    """Standard deviation of noise on training samples, whose density is then learned: 0, and 0.1 for tables, whose
    categories have no density without, if not given."""
    ema: Annotated[float, Range(0.9, 0.9999)] = 0.99
    """Share of the averaged weights that is kept at each step; 0 uses the last weights."""
    conditional: bool = False
    """Generate by class, where the data have labels."""


def fitting(settings: Settings, facts: Facts) -> Settings:
    """The settings with every open choice made by the data.

    Raises:
        InputError: the data are images, a number is out of its range, or a conditional model of data without labels.
    """
    positive(settings, "steps", "batch_size", "mixtures", "width", "depth", "lr", "judge_every")
    if len(facts.event) == 3:
        raise InputError("made draws number by number, too slow for images: use pixelcnn")
    if settings.noise is not None and settings.noise < 0:
        raise InputError(f"--noise {settings.noise:g}: give a standard deviation, zero or more")
    if settings.conditional and not facts.classes:
        raise InputError("--conditional needs labels and the data have none: use class subfolders, y, or --label")
    chosen: dict[str, Any] = {
        "batch_size": min(256, facts.n_train),
        "steps": 3000,
        "noise": 0.1 if facts.kind == "table" else 0.0,
    }
    return replace(settings, **{k: v for k, v in chosen.items() if getattr(settings, k) is None})


def build(settings: Settings, facts: Facts) -> Model:
    """The model, its optimiser and its averaged weights, for settings without open choices."""
    conditional, classes = Gaussians(settings.mixtures), len(facts.classes) if settings.conditional else 0
    net = MaskedMLP(facts.event[0], conditional.outputs, width=settings.width, depth=settings.depth, classes=classes)
    labels = torch.tensor(facts.label_counts) if settings.conditional else None
    method = MADE(net, conditional, facts.event, noise=settings.noise or 0.0, labels=labels).to(settings.device)
    ema = average(method, settings.ema)
    state = nn.ModuleDict({"method": method, "average": ema})
    fused = torch.device(settings.device).type == "cpu" or None
    optimiser = Adam(method.parameters(), settings.lr, fused=fused)
    mean: Any = ema.module
    learner = Learner(method, optimiser, lambda: ema.update(method), state, (net,))
    return Model(learner, mean.sample, log_prob=mean.log_prob, log_prob_kind=mean.log_prob_kind)
