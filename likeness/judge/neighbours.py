"""Precision, recall, density and coverage: what share of each set lies in balls around the points of the other.

With r(z) the distance of a point to its k-th neighbour in its own set, real points x, generated points y:
    precision = mean over y of 1[y in some B(x, r(x))]                                   (1)
    recall    = mean over x of 1[x in some B(y, r(y))]                                   (2)
    density   = mean over y of #{x : y in B(x, r(x))} / k                                (3)
    coverage  = mean over x of 1[some y in B(x, r(x))]                                   (4)
None of them punishes copies of training samples. Their intervals are grouped jackknives that leave a tenth of both sets
out, balls included: a bootstrap over the counted samples alone takes the balls for certain and is too narrow.

Tuomas Kynkäänniemi et al. Improved Precision and Recall Metric for Assessing Generative Models. 2019.
https://arxiv.org/abs/1904.06991
Muhammad Ferjad Naeem et al. Reliable Fidelity and Diversity Metrics for Generative Models. 2020.
https://arxiv.org/abs/2002.09797
"""

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.judge.pairs import Between, K, between, within
from likeness.judge.resample import groups_of, jackknife_interval


def shares(pairs: Between, k: int = K) -> dict[str, Float[Tensor, " leave"]]:
    """The four metrics by name from the pass over pairs, with each group left out in turn, then with none."""
    (m, columns), n = pairs.held.shape, len(pairs.covered)
    real, fake = _left(n, columns - 1), _left(m, columns - 1)
    held, covered, recalled = pairs.held.cpu().double(), pairs.covered.cpu(), pairs.recalled.cpu()
    return {
        "precision": (held > 0).sum(0) / fake,  # (1)
        "recall": (recalled > 0).sum(0) / real,  # (2)
        "density": held.sum(0) / fake / k,  # (3)
        "coverage": (covered > 0).sum(0) / real,  # (4)
    }


def intervals(pairs: Between, k: int = K) -> dict[str, tuple[float, float, float]]:
    """Each metric as (value, low, high)."""
    return {
        name: jackknife_interval(
            float(values[-1]), values[:-1], lowest=0.0, highest=torch.inf if name == "density" else 1.0
        )
        for name, values in shares(pairs, k).items()
    }


def prdc(real: Float[Tensor, "n d"], fake: Float[Tensor, "m d"], *, k: int = K) -> dict[str, float]:
    """The four metrics by name.

    Raises:
        InputError: no more samples than neighbours in either set.
    """
    pairs = between(real, fake, within(real, k=k), within(fake, k=k))
    return {name: float(values[-1]) for name, values in shares(pairs, k).items()}


def _left(n: int, groups: int) -> Tensor:
    sizes = torch.bincount(groups_of(n, groups=groups), minlength=groups)
    return torch.cat((n - sizes, torch.tensor([n]))).double()
