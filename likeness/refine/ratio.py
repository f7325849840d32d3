"""A density ratio x ↦ log p_data(x) / p_model(x) in nats, one number a sample, with what is known of its quality.

One object serves every model and every refiner: a GAN's own discriminator, a classifier fitted afresh to any
sampler or file (`fitting`), or a ratio known in closed form. By Bayes' rule the optimal classifier between real
and generated samples, shown equally often, has this ratio as its logit.
"""

from collections.abc import Callable
from contextlib import nullcontext
from typing import NamedTuple

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from likeness.errors import InputError
from likeness.findings import Finding
from likeness.nn.modes import evaluating
from likeness.refine import calibration
from likeness.refine.calibration import Calibration

Logit = Callable[[Tensor], Tensor]
UNCHECKED = Finding(
    "unchecked-ratio",
    "Nobody has checked on held-out data that this critic's logit is a log density ratio.",
    "Pass it through keep_training or calibrate first.",
)


class Fit(NamedTuple):
    """How a ratio was trained: the steps taken, the step kept, and the log losses there, in nats."""

    steps: int
    kept: int
    train_loss: float
    held_out_loss: float
    n_held_out: int

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Over-fitting, in words: the loss on held-out data lies above the loss on what was learned from."""
        gap = self.held_out_loss - self.train_loss
        if gap <= 0.1 + 2 / self.n_held_out**0.5:
            return ()
        saw = f"The ratio over-fits: {self.held_out_loss:.2f} nats on held-out data, {self.train_loss:.2f} on its own."
        return (Finding("over-fit", saw, "Use more real data, a smaller network, or augmentation."),)


class DensityRatio:
    """x (n, *event) ↦ log p_data(x) / p_model(x), (n,).

    Evaluated in batches without gradients, modules in evaluation mode; where `x` requires a gradient, in one
    differentiable pass instead.

    Args:
        logit: gives (n,) or (n, 1) for `x`; positive means real.
        calibration: what held-out data say of it, and the slope and offset that it is scaled by.
        fit: how it was trained.
        findings: what else there is to say against it; the attribute of this name holds all that is known.
        batch_size: how many samples are evaluated at a time.
    """

    def __init__(
        self,
        logit: Logit,
        *,
        calibration: Calibration | None = None,
        fit: Fit | None = None,
        findings: tuple[Finding, ...] = (),
        batch_size: int = 1024,
    ) -> None:
        self.logit, self.calibration, self.fit, self.batch_size = logit, calibration, fit, batch_size
        self.slope, self.offset = (calibration.slope, calibration.offset) if calibration else (1.0, 0.0)
        known = (*(calibration.findings if calibration else ()), *(fit.findings if fit else ()), *findings)
        unchecked = calibration is None and isinstance(logit, nn.Module)
        self.findings = (UNCHECKED, *known) if unchecked else known

    def __call__(self, x: Shaped[Tensor, " n *event"]) -> Float[Tensor, " n"]:
        """Raises InputError where the logit is NaN or +∞, or does not give one number a sample.

        −∞ is allowed: data that cannot occur.
        """
        with evaluating(self.logit) if isinstance(self.logit, nn.Module) else nullcontext():
            if x.requires_grad and torch.is_grad_enabled():
                return self._score(x)
            with torch.no_grad():
                return checked(torch.cat([self._score(part) for part in x.split(self.batch_size)]))

    def _score(self, x: Tensor) -> Tensor:
        d = self.logit(x)
        if d.shape not in ((len(x),), (len(x), 1)):
            raise InputError(f"the critic gave shape {tuple(d.shape)} for {len(x)} samples: give one logit a sample")
        return self.slope * d.reshape(len(x)) + self.offset


def as_ratio(log_ratio: Logit) -> DensityRatio:
    """The ratio itself, or a wrapper for a bare function or critic."""
    return log_ratio if isinstance(log_ratio, DensityRatio) else DensityRatio(log_ratio)


def calibrate(
    logit: Logit,
    real: Float[Tensor, " n *event"],
    fake: Float[Tensor, " m *event"],
    *,
    fit: Fit | None = None,
    batch_size: int = 1024,
) -> DensityRatio:
    """The ratio that `logit` gives once its slope and offset are fitted to samples it has not learned from.

    The same held-out samples give the facts; two fitted numbers flatter them by about 1/n nats.
    """
    raw = DensityRatio(logit, batch_size=batch_size)
    d_real, d_fake = raw(real), raw(fake)
    slope, offset = calibration.platt(d_real, d_fake)
    facts = calibration.measure(d_real, d_fake, slope, offset)
    return DensityRatio(logit, calibration=facts, fit=fit, batch_size=batch_size)


def checked(d: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    """The logits themselves. Raises InputError where one is NaN or +∞."""
    bad = d.isnan() | d.isposinf()
    if bad.any():
        raise InputError(
            f"the critic gave {float(d[bad][0])} for {int(bad.sum())} of {len(d)} samples: "
            "a density ratio needs finite logits; was the critic trained to the end, and are the samples finite?"
        )
    return d
