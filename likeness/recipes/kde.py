"""A kernel density for vectors, tables and images, whose bandwidths make unseen samples likely.

Images are modelled on their principal components, with noise beside them.
"""

from dataclasses import dataclass, replace
from math import prod
from typing import Annotated, Any

from torch import nn
from torch.optim import Adam

from likeness.density.kde import KDE
from likeness.density.subspace import InSubspace
from likeness.errors import InputError
from likeness.recipes.common import Common, Facts, Model, Range, positive
from likeness.run.learner import Learner


@dataclass(frozen=True)
class Settings(Common):
    """Fit a kernel density."""

    capacity: int = 10_000
    """Training samples that carry a kernel, at most."""
    lr: Annotated[float, Range(1e-3, 1e-1, log=True)] = 0.05
    """Learning rate of the logarithms of the bandwidths."""
    floor: Annotated[float | None, Range(1e-3, 1e-1, log=True)] = None
    """Least bandwidth: 1e-3, and 0.05 for tables, where copies would have none, if not given."""
    principal: Annotated[int | None, Range(2, 64, log=True)] = None
    """Principal components on which images are modelled; 32 if not given."""


def fitting(settings: Settings, facts: Facts) -> Settings:
    """The settings with every open choice made by the data.

    Raises:
        InputError: a number out of its range, or a setting that does not suit a kernel density.
    """
    positive(settings, "steps", "batch_size", "capacity", "lr", "floor", "principal", "judge_every")
    if settings.precision == "bf16" or settings.shard:
        raise InputError("--precision bf16 and --shard are for networks: leave them out for a kernel density")
    image = len(facts.event) == 3
    if settings.principal is not None and not image:
        raise InputError(f"--principal {settings.principal} is for images: leave it out for vectors")
    wanted = 600 if image else 250
    size = settings.batch_size or facts.n_train // -(-facts.n_train // wanted)  # leaves few over in an epoch
    chosen: dict[str, Any] = {
        "batch_size": size,
        "steps": max(200, -(-min(settings.capacity, facts.n_train) // max(1, size))),
        "floor": 0.05 if facts.kind == "table" else 1e-3,
        "principal": min(32, prod(facts.event), size - 1) if image else None,
    }
    return replace(settings, **{k: v for k, v in chosen.items() if getattr(settings, k) is None})


def build(settings: Settings, facts: Facts) -> Model:
    """The kernels and what learns their width, for settings without open choices."""
    size, d = settings.batch_size or 1, settings.principal or prod(facts.event)
    kde = KDE(d, max(2, min(settings.capacity, facts.n_train // size * size)), floor=settings.floor or 1e-3)
    method: Any = kde if settings.principal is None else InSubspace(kde, facts.event, d)
    method.to(settings.device)
    learner = Learner(method, Adam(kde.parameters(), settings.lr), lambda: None, nn.ModuleDict({"method": method}))
    return Model(learner, method.sample, log_prob=method.log_prob, log_prob_kind=method.log_prob_kind)
