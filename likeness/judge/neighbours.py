"""Precision, recall, density and coverage: what share of each set lies in balls around the points of the other.

With r(z) the distance of a point to its k-th neighbour in its own set, real points x, generated points y:
    precision = mean over y of 1[y in some B(x, r(x))]                                   (1)
    recall    = mean over x of 1[x in some B(y, r(y))]                                   (2)
    density   = mean over y of #{x : y in B(x, r(x))} / k                                (3)
    coverage  = mean over x of 1[some y in B(x, r(x))]                                   (4)
None of them punishes copies of training samples. Their intervals are percentile bootstraps over the samples that are
counted, the balls being given: the error that the balls themselves bring is not in them.

Tuomas Kynkäänniemi et al. Improved Precision and Recall Metric for Assessing Generative Models. 2019.
https://arxiv.org/abs/1904.06991
Muhammad Ferjad Naeem et al. Reliable Fidelity and Diversity Metrics for Generative Models. 2020.
https://arxiv.org/abs/2002.09797
"""

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from likeness.judge.pairs import Between, K, between, within


class Membership(NamedTuple):
    """One number per sample; the mean of each is the metric. (1) and (3) per generated, (2) and (4) per real one."""

    precision: Float[Tensor, " m"]
    recall: Float[Tensor, " n"]
    density: Float[Tensor, " m"]
    coverage: Float[Tensor, " n"]


def membership(pairs: Between, k: int = K) -> Membership:
    """The four quantities per sample from the pass over pairs."""
    return Membership(
        (pairs.held > 0).double(),  # (1)
        pairs.recalled.double(),  # (2)
        pairs.held.double() / k,  # (3)
        pairs.covered.double(),  # (4)
    )


def prdc(real: Float[Tensor, "n d"], fake: Float[Tensor, "m d"], *, k: int = K) -> dict[str, float]:
    """The four metrics by name.

    Raises:
        InputError: no more samples than neighbours in either set.
    """
    pairs = between(real, fake, within(real, k=k).radius, within(fake, k=k).radius)
    return {name: float(values.mean()) for name, values in membership(pairs, k)._asdict().items()}
