"""A mixture of Gaussians for vectors, tables and images, its number of components chosen by BIC.

Images are modelled on their principal components, with noise beside them. Where all training samples fit in a batch a
step is one of EM on all of them; scikit-learn has brought it near to the end before the first.
"""

from dataclasses import dataclass, replace
from math import prod
from typing import Annotated, Any, Literal

from torch import nn

from likeness.density.mixture import EM, FORMS, Mixture
from likeness.density.subspace import InSubspace
from likeness.errors import InputError
from likeness.recipes.common import Common, Facts, Model, Range, positive
from likeness.run.learner import Learner

ORDERS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 25, 32, 40, 50)  # that BIC chooses from
LARGEST = 10_000  # samples in a batch, at most


@dataclass(frozen=True)
class Settings(Common):
    """Fit a mixture of Gaussians."""

    components: int | None = None
    """How many; chosen by BIC on the first batch if not given."""
    most: Annotated[int, Range(1, 50, log=True)] = 32
    """Largest number that is tried."""
    form: Literal["full", "tied", "diagonal", "spherical"] = "full"
    """What the covariances have in common."""
    floor: Annotated[float | None, Range(1e-6, 1e-1, log=True)] = None
    """Added to variances: 1e-6, and 1e-2 for tables, whose categories lie on planes, if not given."""
    principal: Annotated[int | None, Range(2, 64, log=True)] = None
    """Principal components on which images are modelled; 32 if not given."""


def fitting(settings: Settings, facts: Facts) -> Settings:
    """The settings with every open choice made by the data.

    Raises:
        InputError: a number out of its range, or a setting that does not suit a mixture.
    """
    positive(settings, "steps", "batch_size", "components", "most", "floor", "principal", "judge_every")
    if settings.precision == "bf16" or settings.shard:
        raise InputError("--precision bf16 and --shard are for networks: leave them out for a mixture")
    image = len(facts.event) == 3
    if settings.principal is not None and not image:
        raise InputError(f"--principal {settings.principal} is for images: leave it out for vectors")
    size = settings.batch_size or min(LARGEST, facts.n_train)
    chosen: dict[str, Any] = {
        "batch_size": size,
        "steps": 20 if size == facts.n_train else 200,
        "floor": 1e-2 if facts.kind == "table" else 1e-6,
        "principal": min(32, prod(facts.event), size - 1) if image else None,
    }
    return replace(settings, **{k: v for k, v in chosen.items() if getattr(settings, k) is None})


def build(settings: Settings, facts: Facts) -> Model:
    """The mixture and its EM, for settings without open choices."""
    orders = [k for k in ORDERS if k <= settings.most] if settings.components is None else [settings.components]
    d = settings.principal or prod(facts.event)
    options: dict[str, Any] = {"form": FORMS[settings.form], "floor": settings.floor or 0.0, "seed": settings.seed}
    mixture = Mixture(d, orders, **options)
    method: Any = mixture if settings.principal is None else InSubspace(mixture, facts.event, d)
    method.to(settings.device)
    em = EM(mixture, decay=0.0 if settings.batch_size == facts.n_train else 0.6)
    learner = Learner(method, em, lambda: None, nn.ModuleDict({"method": method}))
    return Model(learner, method.sample, log_prob=method.log_prob, log_prob_kind=method.log_prob_kind)
