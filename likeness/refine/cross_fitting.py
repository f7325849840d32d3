"""A density ratio for samples on file: each half scored by the classifier that learned from the other half.

A ratio that has seen a row as "generated" scores it too low, and the rows it has not learned from too high; a file
refined by a ratio that was fitted to all of it is biased. Two folds avoid that at twice the training.

Victor Chernozhukov et al. Double/debiased machine learning for treatment and structural parameters. 2018.
https://arxiv.org/abs/1608.00060
"""

import copy
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from likeness.refine.fitting import fit_ratio
from likeness.refine.ratio import DensityRatio
from likeness.sampling import Rows


class Scored(NamedTuple):
    """Samples on file with the log ratio of each row; refine their numbers, and look the rows up afterwards:

    scored = cross_fit(fake, real)
    kept = mapped(rejection(scored.numbers, scored.ratio), scored.rows)

    `ratio` takes the numbers of rows; of other samples (n, *event), float, it gives the mean over the folds.
    """

    x: Tensor
    log_ratio: Tensor
    numbers: Rows
    ratio: DensityRatio
    folds: tuple[DensityRatio, DensityRatio]

    def rows(self, number: Shaped[Tensor, " n"]) -> Shaped[Tensor, " n *event"]:
        """The rows with these numbers."""
        return self.x[number]


def cross_fit(
    x: Float[Tensor, " m *event"], real: Float[Tensor, " n *event"], *, seed: int = 0, **options: Any
) -> Scored:
    """Scores each half of the file by the ratio that learned from the other half.

    A ratio that has seen a row as "generated" scores it too low; refining by it would be biased. `options` are
    those of `fit_ratio`; a `network` among them is copied for each half.
    """
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    network = options.pop("network", None)
    halves = order.tensor_split(2)
    folds = [
        fit_ratio(Rows(x[half]), real, network=copy.deepcopy(network), seed=seed + i, **options)
        for i, half in enumerate(halves)
    ]
    scores = torch.empty(len(x), device=x.device)
    scores[halves[1]], scores[halves[0]] = folds[0](x[halves[1]]), folds[1](x[halves[0]])

    def lookup(rows: Tensor) -> Tensor:
        return (folds[0](rows) + folds[1](rows)) / 2 if rows.is_floating_point() else scores[rows]

    known = tuple(dict.fromkeys(finding for fold in folds for finding in fold.findings))
    ratio = DensityRatio(lookup, findings=known)
    return Scored(x, scores, Rows(order), ratio, (folds[0], folds[1]))
