"""What recipes that learn from views have in common: their settings, the networks, and what is measured of features.

Such a run draws nothing. Checkpoints are chosen by the method's own objective on validation samples, of the same views
each time and without labels; what those samples' projections look like says whether they have collapsed. The report
shows what features are worth, by probes that are given few labels, beside pixels and the same network untrained.
"""

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any, Literal, NamedTuple

import torch
from torch import nn
from torch.optim import Adam, Optimizer

from likeness.core import Method
from likeness.data import views as policies
from likeness.data.columns import Columns
from likeness.data.table_views import scarf
from likeness.errors import InputError
from likeness.nn.choose import encoder_net_for
from likeness.nn.heads import projection
from likeness.optim.lars import LARS
from likeness.ranks import gather
from likeness.recipes.common import Common, Facts, Model, Range, positive, silent
from likeness.recipes.measuring import Shapes, measured, views_of
from likeness.run.learner import Learner

SEARCHED = ("lr", "d_z", "strength")  # by a sweep that is not told what to search


@dataclass(frozen=True)
class Viewed(Common):
    """Settings of every recipe that learns from views."""

    encoder: Literal["small", "resnet18", "resnet50", "alexnet", "vit"] | None = None
    """The network whose features are kept; small for images of up to 32 pixels, else resnet18 if not given."""
    d: int | None = None
    """Numbers of a feature; as the network has them if not given."""
    d_z: Annotated[int, Range(16, 512, log=True)] = 128
    """Numbers of a projection, which the objective sees."""
    views: Literal["digits", "photographs", "simclr", "align-uniform", "columns"] | None = None
    """What a view may change: digits moves and bends strokes; the next three crop, mirror and recolour as their papers
    do; columns gives some columns of a row the values of other rows. digits for grey images, photographs for colour,
    columns for vectors and tables if not given."""
    strength: Annotated[float, Range(0.25, 1.0)] = 0.5
    """Of the colours of simclr."""
    optimiser: Literal["adam", "sgd", "lars"] = "adam"
    """lars keeps large batches (of a thousand and more) stable."""
    lr: Annotated[float | None, Range(1e-4, 1e-1, log=True)] = None
    """Learning rate after the first twentieth of the steps, in which it rises; it falls to zero by a cosine. By the
    optimiser if not given: 0.002 for adam, 0.06 for sgd and 0.3 for lars, for each 256 samples in a batch."""
    weight_decay: float = 1e-4
    """Of weights, not of biases and normalisations."""


def chosen(settings: Any, facts: Facts, **own: Any) -> Any:
    """The settings with every open choice made by the data; `own` are choices of the recipe, where they are open.

    Raises:
        InputError: the views are not for such data, or a number is out of its range.
    """
    positive(settings, "steps", "batch_size", "judge_every", "lr", "d", "d_z")
    image = len(facts.event) == 3
    if settings.views is not None and (settings.views == "columns") == image:
        fit = "digits or photographs" if image else "columns"
        raise InputError(f"--views {settings.views} is not for {facts.kind}: use {fit}, or leave it out")
    if image and facts.event[0] == 1 and settings.views not in (None, "digits"):
        raise InputError(f"--views {settings.views} changes colours and these images are grey: use digits")
    steps, size = settings.steps or 2000, min(256, facts.n_train)
    rate = {"adam": 2e-3, "sgd": 0.06, "lars": 0.3}[settings.optimiser]
    scale = 1.0 if settings.optimiser == "adam" else (settings.batch_size or size) / 256
    made = {
        "steps": steps,
        "batch_size": size,
        "views": "columns" if not image else "digits" if facts.event[0] == 1 else "photographs",
        "lr": rate * scale,
        "judge_every": max(1, steps // 10),
        **own,
    }
    return replace(settings, **{k: v for k, v in made.items() if getattr(settings, k) is None})


class Networks(NamedTuple):
    """The encoder and the head of a method, and the view that the settings name, of a given size."""

    f: nn.Module
    g: nn.Module
    view: Any


def networks(settings: Any, facts: Facts) -> Networks:
    """For settings without open choices."""
    f: Any = encoder_net_for(facts.event, settings.encoder, settings.d)
    g = projection(f.d, hidden=f.d, out=settings.d_z)
    return Networks(f, g, view(settings, facts.event[-1]) if len(facts.event) == 3 else columns(facts))


def columns(facts: Facts) -> policies.View:
    """A view of rows, whose values come from other rows of the batch."""
    known = Columns.from_state(list(facts.columns)) if facts.columns else None
    return lambda x, generator=None: scarf(gather(x), known)(x, generator=generator)


def view(settings: Any, size: int) -> policies.View:
    """One view of images, square with that side."""
    match settings.views:
        case "digits":
            return policies.digits(size)
        case "simclr":
            return policies.simclr(size, strength=settings.strength)
        case "align-uniform":
            return policies.align_uniform(size)
    return policies.photographs(size)


def assembled(method: Any, settings: Any, facts: Facts, *, factor: float = 1.0, **given: Any) -> Model:
    """The model of a method that represents, its optimiser, and what watches and measures it.

    Args:
        factor: what of the rate the encoder has.
    """
    s = settings
    method = method.to(s.device)
    optimiser = optimiser_of(method, s, method.f, factor)
    watch = Shapes(method)
    parts: dict[str, Any] = {
        "watch": watch,
        "score": ("objective", watch.cost),
        "encode": method.encode,
        "tables": partial(measured, method, partial(untrained, s, facts)),
        "shown": partial(views_of, method) if len(facts.event) == 3 else None,
        **given,
    }
    return Model(Learner(method, optimiser, partial(_rate, method, optimiser, s), method, (method.f,)), silent, **parts)


def untrained(settings: Any, facts: Facts) -> nn.Module:
    """The encoder as it is before any training."""
    with torch.random.fork_rng([]):
        torch.manual_seed(settings.seed)
        return encoder_net_for(facts.event, settings.encoder, settings.d).eval()


def optimiser_of(method: nn.Module, settings: Any, slow: nn.Module | None = None, factor: float = 1.0) -> Optimizer:
    """With weight decay on matrices and filters alone, and so much of the rate for what is `slow`."""
    s, own = settings, [p for p in method.parameters() if p.requires_grad]
    behind = set() if slow is None else {id(p) for p in slow.parameters()}
    groups = []
    for share, late in ((1.0, False), (factor, True)):
        some = [p for p in own if (id(p) in behind) is late]
        for decay, matrix in ((s.weight_decay, True), (0.0, False)):
            params = [p for p in some if (p.ndim > 1) is matrix]
            groups.append({"params": params, "weight_decay": decay, "lr": s.lr * share, "share": share})
    groups = [group for group in groups if group["params"]]
    match s.optimiser:
        case "sgd":
            return torch.optim.SGD(groups, s.lr, momentum=0.9)
        case "lars":
            return LARS([group | ({} if group["weight_decay"] else {"trust": None}) for group in groups], s.lr)
    return Adam(groups, s.lr)


def _rate(method: Method, optimiser: Optimizer, s: Any) -> None:
    """The rate of the next step, a function of how many there were."""
    rising, t = max(1, s.steps // 20), method.iteration
    part = max(0.0, t - rising) / max(1, s.steps - rising)
    share = min((t + 1) / rising, (1 + math.cos(math.pi * min(1.0, part))) / 2)
    for group in optimiser.param_groups:
        group["lr"] = s.lr * share * group["share"]
