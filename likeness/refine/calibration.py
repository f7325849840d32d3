"""How far a classifier's logit can be trusted as a log density ratio, measured on data it has not learned from.

A classifier that tells real (1) from generated (0), shown equally often, has at its optimum the logit
d(x) = log p_data(x) / p_model(x). Whoever reads a ratio off it relies on its calibration: of the samples it calls
real with probability p, a share p has to be real. Platt's two numbers repair what a slope and an offset can repair,

    P(real | x) = σ(a d(x) + b)                                         (1)

fitted by maximum likelihood to targets that are not quite 0 and 1, (N₊ + 1)/(N₊ + 2) and 1/(N₋ + 2), so that
they exist for separable sets too. Both classes count one half here, however many samples each has.

John C. Platt. Probabilistic outputs for support vector machines. 1999.
https://home.cs.colorado.edu/~mozer/Teaching/syllabi/6622/papers/Platt1999.pdf
Chuan Guo, Geoff Pleiss, Yu Sun, Kilian Q. Weinberger. On Calibration of Modern Neural Networks. 2017.
https://arxiv.org/abs/1706.04599
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import softplus

from likeness.findings import Finding

BINS = 10
SEPARABLE = 0.995  # the area under the curve from which on hardly any overlap is left


class Bin(NamedTuple):
    """One point of the calibration curve: the mean prediction, the observed share of real, the share of samples."""

    predicted: float
    observed: float
    share: float


class Calibration(NamedTuple):
    """What held-out samples say of a ratio, after scaling by `slope` and `offset`; log losses are in nats.

    `brier` lies in [0, 1] (a coin gets .25), `ece` is the expected calibration error, `auc` the chance that a real
    sample scores above a generated one, `normaliser` is log E_model[ratio], which is 0 for a true ratio, and
    `missing` is the share of the real samples whose ratio is above 100: where they are, the model hardly draws.
    """

    log_loss: float
    brier: float
    ece: float
    auc: float
    normaliser: float
    missing: float
    slope: float
    offset: float
    n_real: int
    n_fake: int
    curve: tuple[Bin, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong with the ratio, in words."""
        found = []
        if self.auc > SEPARABLE:
            found.append(_separable(self))
        elif self.missing > 0.02:
            found.append(_missing(self))
        n = self.n_real + self.n_fake
        if self.ece > 0.02 + 0.8 * math.sqrt(BINS / n):  # 0.4 √(bins / n) is what chance alone gives
            found.append(_miscalibrated(self))
        if abs(self.auc - 0.5) < 2 * math.sqrt((1 / self.n_real + 1 / self.n_fake) / 12) or self.slope == 0:
            found.append(_blind(self))
        return tuple(found)


def _separable(c: Calibration) -> Finding:
    saw = (
        f"A classifier tells held-out real samples from generated ones almost without fail (AUC {c.auc:.3f}): their "
        "supports hardly overlap, and no refinement produces what the sampler never draws."
    )
    return Finding("separable-supports", saw, "Train the model longer before refining its draws.")


def _missing(c: Calibration) -> Finding:
    saw = (
        f"{100 * c.missing:.0f} % of the held-out real samples lie where the model draws less than a hundredth of "
        "what it should: refinement restores them at a high price or, where it never draws, not at all."
    )
    return Finding("missing-regions", saw, "Train the model longer, or look at which samples it leaves out.")


def _miscalibrated(c: Calibration) -> Finding:
    saw = f"The density ratio is poorly calibrated on held-out data (expected calibration error {c.ece:.3f})."
    return Finding("poor-calibration", saw, "Fit it with more real data, a smaller network, or a lower learning rate.")


def _blind(c: Calibration) -> Finding:
    saw = f"The density ratio cannot tell real from generated (AUC {c.auc:.3f} on held-out data), so it changes little."
    return Finding("blind-ratio", saw, "Either the draws are good already, or the ratio needs longer training.")


def log_loss(real: Float[Tensor, " n"], fake: Float[Tensor, " m"]) -> Float[Tensor, ""]:
    """The cross-entropy in nats of the logits of real and generated samples, each class counting one half."""
    return (softplus(-real).mean() + softplus(fake).mean()) / 2


def brier(real: Float[Tensor, " n"], fake: Float[Tensor, " m"]) -> Float[Tensor, ""]:
    """The mean squared error of P(real), each class counting one half: 0 is perfect, a coin gets .25."""
    return (torch.sigmoid(-real).square().mean() + torch.sigmoid(fake).square().mean()) / 2


def auc(real: Float[Tensor, " n"], fake: Float[Tensor, " m"]) -> Float[Tensor, ""]:
    """The chance that a real sample's logit is above a generated one's; ties count one half."""
    ordered = fake.sort().values
    below = torch.searchsorted(ordered, real.contiguous())
    reach = torch.searchsorted(ordered, real.contiguous(), right=True)
    return (below + reach).double().mean() / (2 * len(fake))


def curve(real: Float[Tensor, " n"], fake: Float[Tensor, " m"], bins: int = BINS) -> Float[Tensor, "bins 3"]:
    """Mean prediction, observed share of real and share of samples in bins of P(real); empty bins hold zeros."""
    p = torch.sigmoid(torch.cat((real, fake)).double())
    weight = torch.cat((_even(real), _even(fake)))
    is_real = torch.cat((torch.ones_like(real), torch.zeros_like(fake))).double()
    place = (p * bins).long().clamp(max=bins - 1)
    columns = torch.stack((weight * p, weight * is_real, weight), dim=1)
    total = torch.zeros(bins, 3, dtype=torch.double, device=p.device).index_add_(0, place, columns)
    return torch.cat((total[:, :2] / total[:, 2:].clamp(min=1e-300), total[:, 2:]), dim=1)


def expected_calibration_error(points: Float[Tensor, "bins 3"]) -> Float[Tensor, ""]:
    """The mean distance between predicted and observed of a calibration `curve`."""
    return (points[:, 2] * (points[:, 0] - points[:, 1]).abs()).sum()


def platt(real: Float[Tensor, " n"], fake: Float[Tensor, " m"]) -> tuple[float, float]:
    """The slope a ≥ 0 and the offset b of (1)."""
    from scipy.optimize import minimize

    d = torch.cat((real, fake)).double().cpu().numpy()
    weight = torch.cat((_even(real), _even(fake))).cpu().numpy()
    high, low = (len(real) + 1) / (len(real) + 2), 1 / (len(fake) + 2)
    target = np.concatenate((np.full(len(real), high), np.full(len(fake), low)))
    spread = max(float(d.std()), 1e-12)

    def objective(ab: np.ndarray) -> tuple[float, np.ndarray]:
        logit = ab[0] * d / spread + ab[1]  # (1)
        slack = weight * (0.5 * (1 + np.tanh(logit / 2)) - target)
        value = (weight * (np.logaddexp(0, logit) - target * logit)).sum()
        return float(value), np.array([(slack * d).sum() / spread, slack.sum()])

    best = minimize(objective, (spread, 0.0), jac=True, method="L-BFGS-B", bounds=((0, None), (None, None)))
    return float(best.x[0] / spread), float(best.x[1])


def measure(real: Float[Tensor, " n"], fake: Float[Tensor, " m"], slope: float, offset: float) -> Calibration:
    """Every number above for the held-out logits of real and generated samples, scaled by (1)."""
    real, fake = slope * real.double() + offset, slope * fake.double() + offset
    points = curve(real, fake)
    return Calibration(
        log_loss=float(log_loss(real, fake)),
        brier=float(brier(real, fake)),
        ece=float(expected_calibration_error(points)),
        auc=float(auc(real, fake)),
        missing=float((real > math.log(100)).double().mean()),
        normaliser=float(fake.logsumexp(0)) - math.log(len(fake)),
        slope=slope,
        offset=offset,
        n_real=len(real),
        n_fake=len(fake),
        curve=tuple(Bin(*row) for row in points.tolist()),
    )


def _even(d: Tensor) -> Tensor:
    return torch.full_like(d, 0.5 / len(d), dtype=torch.double)
