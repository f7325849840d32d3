"""A score network that knows the noise level (NCSN), for images, vectors and tables, with settings that fit the data.

What is not given is chosen by the data. The first noise level is the largest distance between two samples of the first
batch, and the Langevin step is that of the published rule. Images get the U-Net of ADM and the published ratio of
levels, by the number of pixels; vectors and tables get a perceptron, and closer levels than the rule asks for: chains
through coarse ones leave draws too wide. More `chain_steps` narrow them further.

There is no likelihood: checkpoints are chosen by how well the noise on held-out samples is predicted. Weights are
averaged, and draws are theirs.

Yang Song, Stefano Ermon. Improved Techniques for Training Score-Based Generative Models. 2020.
https://arxiv.org/abs/2006.09011
"""

from dataclasses import dataclass, replace
from typing import Annotated, Any

import torch
from torch import nn
from torch.optim import Adam

from likeness.energy.ncsn import NCSN
from likeness.errors import InputError
from likeness.nn import denoiser_net_for
from likeness.nn.average import average
from likeness.recipes.common import Common, Facts, Model, Range, positive
from likeness.run.learner import Learner

SEARCHED = ("lr", "width", "ema")  # by a sweep that is not told what to search


@dataclass(frozen=True)
class Settings(Common):
    """Train a score network and draw by annealed Langevin chains."""

    sigma_first: float | None = None
    """Standard deviation of the most noise; the largest distance of two samples in the first batch if not given."""
    sigma_last: Annotated[float | None, Range(5e-3, 0.1, log=True)] = None
    """Of the least noise: 0.02 for images and 0.01 for vectors if not given."""
    ratio: float | None = None
    """Of a noise level of the chains to the next, at most; for images by the number of pixels, for vectors 1.1 if not
    given."""
    chain_steps: Annotated[int, Range(3, 100, log=True)] = 5
    """Langevin steps at each level."""
    width: Annotated[int | None, Range(16, 256, log=True)] = None
    """Channels (images, at full resolution) or units (vectors) of a layer."""
    lr: Annotated[float, Range(1e-4, 1e-2, log=True)] = 1e-3
    """Learning rate."""
    ema: Annotated[float | None, Range(0.9, 0.9999)] = None
    """Share of the averaged weights that is kept at each step; 0 uses the last weights."""


def fitting(settings: Settings, facts: Facts) -> Settings:
    """The settings with every open choice made by the data.

    Raises:
        InputError: a number out of its range, or images that are not square.
    """
    positive(settings, "steps", "batch_size", "sigma_first", "sigma_last", "chain_steps", "width", "lr", "judge_every")
    if settings.ratio is not None and settings.ratio <= 1:
        raise InputError(f"--ratio {settings.ratio:g}: a noise level is above the next, give a number above 1")
    image = len(facts.event) == 3
    small = image and facts.event[1] <= 16
    chosen: dict[str, Any] = {
        "sigma_last": 0.02 if image else 0.01,
        "ratio": None if image else 1.1,
        "width": 32 if image else 128,
        "batch_size": min(128 if small else 64, facts.n_train) if image else min(256, facts.n_train),
        "steps": (2000 if small else 5000) if image else 5000,
        "ema": 0.995 if small else 0.999,
    }
    made = replace(settings, **{k: v for k, v in chosen.items() if getattr(settings, k) is None})
    if made.sigma_first is not None and made.sigma_first <= (made.sigma_last or 0):
        raise InputError(
            f"--sigma-first {made.sigma_first:g} and --sigma-last {made.sigma_last:g}: noise falls from first to last"
        )
    return made


def build(settings: Settings, facts: Facts) -> Model:
    """The network, its optimiser and its averaged weights, for settings without open choices."""
    method = NCSN(
        denoiser_net_for(facts.event, width=settings.width),
        facts.event,
        sigma_last=settings.sigma_last or 0.01,
        sigma_first=settings.sigma_first,
        gamma=settings.ratio,
        steps=settings.chain_steps,
    ).to(settings.device)
    if settings.shard:
        method.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]  # what is cut must lie in a row
    ema = average(method, settings.ema or 0.0)
    used: Any = ema.module
    state = nn.ModuleDict({"method": method, "average": ema})
    fused = torch.device(settings.device).type == "cpu" or None
    optimiser = Adam(method.parameters(), settings.lr, fused=fused)
    learner = Learner(method, optimiser, lambda: ema.update(method), state, (method.F,))
    return Model(learner, used.sample, score=("denoising loss", used.cost), walks=True)
