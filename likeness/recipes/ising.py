"""The Ising model of binary images: neighbours that tend to agree, learned from images and used to restore noisy ones.

Images are grey; what lies above a threshold is white, the rest black. `likeness reconstruct RUN` restores images that
have been through the noise that `flips` or `sigma` describes, with what was learned as the prior, and tells where its
chains have not mixed.

Of images with a side of ten pixels or fewer probabilities and draws are exact. Of larger ones the probability lacks
its constant, so that checkpoints are chosen by the pseudo-likelihood, and draws are the end of Gibbs sweeps.
"""

from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import torch
from torch import Tensor, nn
from torch.optim import Adam

from likeness.energy.ising import Ising, Learning, contrastive_divergence, likelihood, pseudo_likelihood
from likeness.energy.lattice import DIAGONAL, NEAREST, binary, flips, gaussian
from likeness.energy.restoration import likeliest, marginals
from likeness.energy.strips import narrow
from likeness.errors import InputError
from likeness.findings import Finding
from likeness.recipes.common import Common, Facts, Model, Range, positive
from likeness.run.learner import Learner
from likeness.sampling import Streams


@dataclass(frozen=True)
class Settings(Common):
    """Fit an Ising model."""

    neighbours: Literal[4, 8] = 4
    """Pixels that act on one: those beside, above and below, or the diagonal ones too."""
    field: Literal["pixel", "shared"] = "pixel"
    """Whether each pixel tends to black or white on its own account, or all of them alike."""
    learning: Literal["pseudo", "contrast", "likelihood"] = "pseudo"
    """By pseudo-likelihood, contrastive divergence, or exact likelihood (a side of ten pixels or fewer)."""
    sweeps: int = 1
    """Gibbs sweeps of contrastive divergence."""
    threshold: float = 0.0
    """Grey values above it are white; images lie in [-1, 1]."""
    drawn: int = 200
    """Gibbs sweeps to a draw, where draws are not exact."""
    restore: Literal["likeliest", "majority"] = "likeliest"
    """What images are restored to: the likeliest image, or each pixel as it is more often."""
    flips: float = 0.1
    """Share of pixels that the noise has flipped, in images to be restored."""
    sigma: float | None = None
    """Of Gaussian noise instead, the standard deviation in units of [-1, 1]."""
    lr: Annotated[float, Range(1e-3, 1e-1, log=True)] = 0.03
    """Learning rate."""


def fitting(settings: Settings, facts: Facts) -> Settings:
    """The settings with every open choice made by the data.

    Raises:
        InputError: the data are no grey images, a number is out of its range, or a setting does not suit the images.
    """
    positive(settings, "steps", "batch_size", "lr", "sweeps", "drawn", "judge_every")
    if len(facts.event) != 3:
        raise InputError(f"an Ising model is for images and these are {facts.kind}: use made, flow or mixture")
    c, h, w = facts.event
    if c != 1:
        raise InputError(f"an Ising model is for black and white and these images have {c} channels: use --channels 1")
    if settings.precision == "bf16" or settings.shard:
        raise InputError("--precision bf16 and --shard are for networks: leave them out for an Ising model")
    if not -1 < settings.threshold < 1:
        raise InputError(f"--threshold {settings.threshold:g}: images lie in [-1, 1]; give a value between, such as 0")
    if settings.learning == "likelihood" and not narrow(h, w):
        raise InputError(f"--learning likelihood of {h} × {w} pixels takes a side of ten or fewer: use pseudo")
    _evidence(settings, torch.zeros(1))
    chosen: dict[str, Any] = {"batch_size": min(256, facts.n_train), "steps": 1000}
    return replace(settings, **{k: v for k, v in chosen.items() if getattr(settings, k) is None})


def build(settings: Settings, facts: Facts) -> Model:
    """The model and its optimiser, for settings without open choices."""
    method = Ising(
        facts.event,
        offsets=DIAGONAL if settings.neighbours == 8 else NEAREST,
        by_pixel=settings.field == "pixel",
        learning=_learning(settings),
        threshold=settings.threshold,
        steps=settings.drawn,
    ).to(settings.device)
    learner = Learner(method, Adam(method.parameters(), settings.lr), lambda: None, nn.ModuleDict({"method": method}))
    return Model(
        learner,
        method.sample,
        log_prob=method.log_prob,
        log_prob_kind=method.log_prob_kind,
        levels=method.levels,
        score=None if method.exact else ("pseudo", lambda x: -method.pseudo(x)),
        reconstruct=Restoring(method, settings),
    )


class Restoring:
    """Images from under the noise; `findings` are what its chains had to say so far."""

    def __init__(self, method: Ising, settings: Settings) -> None:
        self.method, self.settings = method, settings
        self.findings: list[Finding] = []

    @torch.no_grad()
    def __call__(self, x: Tensor) -> Tensor:
        s, law = self.settings, self.method.law.given(_evidence(self.settings, x))
        start, source = binary(x, s.threshold), Streams(s.seed).split("restoring")
        if s.restore == "likeliest":
            return likeliest(law, start, source=source)
        found = marginals(law, start, source=source)
        self.findings += found.findings
        return found.majority


def _evidence(settings: Settings, x: Tensor) -> Tensor:
    if settings.sigma is not None:
        return gaussian(x, settings.sigma)
    return flips(binary(x, settings.threshold), settings.flips)


def _learning(settings: Settings) -> Learning:
    contrast = contrastive_divergence(settings.sweeps)
    ways: dict[str, Learning] = {"pseudo": pseudo_likelihood, "contrast": contrast, "likelihood": likelihood}
    return ways[settings.learning]
