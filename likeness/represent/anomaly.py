"""What cannot be said again is unlike what was learned: scores of anomaly, and a threshold with a stated false alarm.

    score                e(x) = ‖x − D(E(x))‖², or another cost of the reconstruction               (1)
    threshold            the k-th smallest score of n held-out normals, k = ⌈(n + 1)(1 − α)⌉        (2)
    false alarms         (n + 1 − k)/(n + 1) ≤ α on average over held-out sets; given this set the rate is
                         Beta(n + 1 − k, k) distributed                                             (3)
    EncDec-AD            (e − μ)ᵀ S⁻¹ (e − μ),   μ and S of errors e = |x − x̂| of held-out normals  (4)

(2) and (3) hold for continuous scores of any distribution, if fresh normals come from that of the held-out ones. The
normals must be held out: errors on training data are too small. In (4) the normals that fit μ and S are not those that
set the threshold.

(1) Simon Hawkins et al. Outlier Detection Using Replicator Neural Networks. 2002. https://doi.org/10.1007/3-540-46145-0_17
(2), (3) Vladimir Vovk. Conditional validity of inductive conformal predictors. 2012. https://arxiv.org/abs/1209.2673
(4) Pankaj Malhotra et al. LSTM-based Encoder-Decoder for Multi-sensor Anomaly Detection. 2016.
    https://arxiv.org/abs/1607.00148
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor

from likeness.errors import InputError


def squared_error(x: Float[Tensor, " n *event"], found: Float[Tensor, " n *event"]) -> Float[Tensor, " n"]:
    """Of reconstructions `found`, summed over dimensions: the higher, the less a sample is like what was learned."""
    return (x - found).square().flatten(1).sum(1)  # (1)


class Threshold(NamedTuple):
    """A score above `value` is an alarm.

    Attributes:
        false_alarms: the rate among fresh normals on average (3).
        low, high: the central 95 % interval of that rate, given these held-out normals.
        n: how many normals decided.
    """

    value: float
    false_alarms: float
    low: float
    high: float
    n: int

    def flags(self, scores: Float[Tensor, " n"] | Float64[Tensor, " n"]) -> Bool[Tensor, " n"]:
        return scores > self.value


def threshold(normal: Float[Tensor, " n"] | Float64[Tensor, " n"], false_alarms: float = 0.05) -> Threshold:
    """The threshold from the scores of held-out normals.

    Raises:
        InputError: the rate is not between 0 and 1, or there are too few normals for it.
    """
    from scipy.stats import beta

    if not 0 < false_alarms < 1:
        raise InputError(f"a false-alarm rate of {false_alarms:g}: give a share above 0 and below 1, such as 0.05")
    n = len(normal)
    k = math.ceil((n + 1) * (1 - false_alarms) - 1e-9)
    if k > n:
        need = math.ceil(1 / false_alarms - 1e-9) - 1
        raise InputError(
            f"{n} held-out normals cannot set a threshold with {false_alarms:.2%} false alarms: give {need} or more"
        )
    value = float(normal.sort().values[k - 1])  # (2)
    low, high = beta.ppf((0.025, 0.975), n + 1 - k, k)  # (3)
    return Threshold(value, (n + 1 - k) / (n + 1), float(low), float(high), n)


class EncDecAD:
    """Errors held against a Gaussian of the errors of normals (4)."""

    def __init__(self) -> None:
        self.mean, self.scale, self.factor = torch.empty(0), torch.empty(0), torch.empty(0)

    def fit(self, errors: Float[Tensor, "m d"]) -> "EncDecAD":
        """From errors of held-out normals, a row for each point that is scored.

        Raises:
            InputError: there are not more rows than dimensions, or a covariance that cannot be inverted.
        """
        m, d = errors.shape
        if m <= d:
            raise InputError(
                f"{m} errors of held-out normals for {d} dimensions: give more than {d}, or score by error"
            )
        e = errors.double()
        spread = e.std(0)
        self.mean = e.mean(0)
        self.scale = spread.clamp_min(1e-6 * float(spread.max()) or 1e-30)  # of a dimension that never errs
        S = ((e - self.mean) / self.scale).T.cov().reshape(d, d)
        self.factor = torch.linalg.cholesky(S + 1e-9 * torch.eye(d).to(S))
        return self

    def score(self, errors: Float[Tensor, "n d"]) -> Float64[Tensor, " n"]:
        """χ² distributed with d degrees of freedom where the errors are Gaussian and μ, S those of their law."""
        away = ((errors.double() - self.mean) / self.scale).T
        return torch.linalg.solve_triangular(self.factor, away, upper=False).square().sum(0)  # (4)
