"""SwAV: features and clusters of images at once; each view predicts the cluster of the other.

Besides two large views, `--small` shows as many small crops of each image, at half the side, which cost little.
`--queue` lets features of earlier batches have their share in the codes, where a batch has fewer samples than there are
prototypes. The report says how many prototypes are used and, with labels, how much clusters tell of them.

Mathilde Caron et al. Unsupervised Learning of Visual Features by Contrasting Cluster Assignments. 2020.
https://arxiv.org/abs/2006.09882
"""

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import torch
from torch import Tensor

from likeness.data.batching import whole
from likeness.data.dataset import Dataset
from likeness.data.view_geometry import crop
from likeness.data.view_parts import chain
from likeness.data.views import Views, swav_crop, two
from likeness.errors import InputError
from likeness.judge.features import FeatureSpace
from likeness.recipes.common import Facts, Model, Range, positive
from likeness.recipes.measuring import LARGEST, measured
from likeness.recipes.representing import Viewed, assembled, chosen, networks, untrained
from likeness.represent.swav import SwAV


@dataclass(frozen=True)
class Settings(Viewed):
    """Learn features by swapped cluster assignments."""

    prototypes: Annotated[int | None, Range(10, 3000, log=True)] = None
    """Clusters; a few times as many as there are kinds of images. Ten for each class, or 100, if not given."""
    small: int = 0
    """Small crops of each image besides the two large views."""
    tau: Annotated[float, Range(0.05, 0.5, log=True)] = 0.1
    """Temperature of predictions."""
    epsilon: Annotated[float, Range(0.02, 0.1, log=True)] = 0.05
    """How soft codes are; lower it where the objective stays at the logarithm of the number of prototypes."""
    freeze: int | None = None
    """First steps, in which prototypes stand still; a sixteenth of them if not given."""
    queue: int = 0
    """Features of earlier batches, for each large view."""


def fitting(settings: Settings, facts: Facts) -> Settings:
    """The settings with every open choice made by the data.

    Raises:
        InputError: small crops of data that are no images, views that are not for them, or a number out of its range.
    """
    positive(settings, "prototypes", "tau", "epsilon")
    if settings.small and len(facts.event) != 3:
        raise InputError(f"--small {settings.small} crops of {facts.kind}: they are for images, leave it out")
    steps = settings.steps or 2000
    return chosen(settings, facts, prototypes=10 * len(facts.classes) or 100, freeze=max(1, steps // 16))


def build(settings: Settings, facts: Facts) -> Model:
    """The networks and their optimiser, for settings without open choices."""
    s = settings
    f, g, view = networks(settings, facts)
    views = two(view) if not s.small else Views((2, view), (s.small, _small(s, facts.event[-1])))
    method = SwAV(
        f,
        g,
        views,
        d=s.d_z,
        prototypes=s.prototypes or 2,
        tau=s.tau,
        epsilon=s.epsilon,
        freeze=s.freeze or 0,
        queue=s.queue,
    )
    return assembled(method, settings, facts, tables=partial(_tables, method, partial(untrained, settings, facts)))


def _small(settings: Settings, size: int) -> Any:
    """A crop that shows a fifth to a half of the image, at half its side; photographs show as little as the paper's."""
    side = max(8, size // 2)
    return chain(crop(side, scale=(0.2, 0.5))) if settings.views == "digits" else swav_crop(side, (0.05, 0.14))


def _tables(method: SwAV, fresh: Any, data: Dataset, space: FeatureSpace) -> dict[str, list[dict[str, Any]]]:
    """What all such recipes measure, and what the clusters are like."""
    from sklearn.metrics import normalized_mutual_info_score

    batch, device = whole(data.test, LARGEST), method.C.device
    found = torch.cat([method.assign(part.to(device)).cpu() for part in batch.x.split(256)])
    row = {"prototypes": len(method.C), "used": len(found.unique()), "largest": _largest(found)}
    if batch.y is not None:
        row["mutual information with classes, normalised"] = float(normalized_mutual_info_score(batch.y, found))
    return measured(method, fresh, data, space) | {"Clusters of test samples": [row]}


def _largest(found: Tensor) -> float:
    """The share of the samples that the largest cluster has."""
    return float(found.bincount().max()) / len(found)
