"""A normalising flow for vectors, tables and images, with the exact density of every sample.

Images take Glow, of pixels with noise of a level's width: uniform, and what is learned is a density; or learned with
the flow, which gives a tighter bound of the probability of the rounded images. Or, like vectors, one of zuko's families
(`likeness[flows]`) on their principal components, with Gaussian noise beside them.
"""

from dataclasses import dataclass, replace
from math import prod
from typing import Annotated, Any, Literal

from torch import nn
from torch.optim import Adam

from likeness.density.dequantisation import Variational
from likeness.density.flow import Flow, family
from likeness.density.glow import Glow
from likeness.density.subspace import InSubspace
from likeness.errors import InputError
from likeness.nn.average import average
from likeness.recipes.common import Common, Facts, Model, Range, positive
from likeness.run.learner import Learner

SEARCHED = ("lr", "layers", "width", "noise")  # by a sweep that is not told what to search


@dataclass(frozen=True)
class Settings(Common):
    """Train a normalising flow."""

    family: Literal["nice", "maf", "nsf", "cnf", "glow"] | None = None
    """Couplings, affine autoregressive, splines, a differential equation (slow), or for images glow; nsf for vectors
    and glow for images if not given."""
    layers: Annotated[int, Range(2, 8)] = 4
    """Transformations in a row; of glow, at each size."""
    levels: int | None = None
    """Values that a pixel can have, for glow; as the data have if not given: 256 of 8 bits, 17 of the digits."""
    dequantisation: Literal["uniform", "variational"] = "uniform"
    """The noise within a level, for glow: variational learns it, and needs levels that are those of the data."""
    width: Annotated[int, Range(32, 256, log=True)] = 64
    """Units of a layer of the networks inside."""
    lr: Annotated[float, Range(1e-4, 1e-2, log=True)] = 1e-3
    """Learning rate."""
    noise: Annotated[float | None, Range(1e-3, 0.2, log=True)] = None
    """Standard deviation of noise on training samples, whose density is then learned: 0, and 0.1 for tables, whose
    categories have no density without, if not given."""
    principal: Annotated[int | None, Range(2, 64, log=True)] = None
    """Principal components on which images are modelled by a family other than glow; 32 if not given."""
    ema: Annotated[float, Range(0.9, 0.9999)] = 0.99
    """Share of the averaged weights that is kept at each step; 0 uses the last weights."""


def fitting(settings: Settings, facts: Facts) -> Settings:
    """The settings with every open choice made by the data.

    Raises:
        InputError: a number out of its range, or a setting that does not suit a flow or these data.
    """
    positive(settings, "steps", "batch_size", "layers", "width", "lr", "principal", "judge_every")
    if settings.precision == "bf16":
        raise InputError("--precision bf16: a flow has to be invertible to more digits; leave it out")
    image = len(facts.event) == 3
    glow = settings.family == "glow" or (image and settings.family is None)
    if glow and not image:
        raise InputError("--family glow is for images: use nsf for vectors")
    if settings.principal is not None and (glow or not image):
        raise InputError(f"--principal {settings.principal} is for images and families other than glow: leave it out")
    if settings.dequantisation == "variational" and not glow:
        raise InputError("--dequantisation variational is for images and --family glow: leave it out")
    if settings.family == "nice" and prod(facts.event) == 1:
        raise InputError("--family nice couples two numbers or more, the data have one: use nsf")
    size = settings.batch_size or min(128 if glow else 256, facts.n_train)
    chosen: dict[str, Any] = {
        "family": "glow" if glow else "nsf",
        "batch_size": size,
        "steps": 3000,
        "levels": facts.levels or 256 if glow else None,
        "noise": 0.1 if facts.kind == "table" else 0.0,
        "principal": min(32, prod(facts.event), size - 1) if image and not glow else None,
    }
    return replace(settings, **{k: v for k, v in chosen.items() if getattr(settings, k) is None})


def build(settings: Settings, facts: Facts) -> Model:
    """The flow, its optimiser and its averaged weights, for settings without open choices."""
    method = _method(settings, facts)
    method.to(settings.device)
    ema = average(method, settings.ema)
    state = nn.ModuleDict({"method": method, "average": ema})
    learner = Learner(method, Adam(method.parameters(), settings.lr), lambda: ema.update(method), state)
    mean: Any = ema.module
    levels = settings.levels if settings.dequantisation == "variational" else None
    return Model(learner, mean.sample, log_prob=mean.log_prob, log_prob_kind=mean.log_prob_kind, levels=levels)


def _method(settings: Settings, facts: Facts) -> Any:
    name, event = settings.family or "nsf", facts.event
    if name == "glow":
        halved = max((k for k in (1, 2, 3) if event[1] % 2**k == 0 and event[1] >= 2 * 2**k), default=1)
        levels, noise = settings.levels or 256, None
        if settings.dequantisation == "variational":
            noise = Variational((event[0], event[1], event[2]), levels=levels, width=settings.width)
        return Glow(event, sizes=halved, steps=settings.layers, width=settings.width, levels=levels, dequantise=noise)
    d = settings.principal or prod(event)
    flow = Flow(family(name, d, layers=settings.layers, width=settings.width), d, noise=settings.noise or 0)
    return flow if settings.principal is None else InSubspace(flow, event, d)
