"""A generative adversarial network for vectors, tables and square images, with settings that fit the data.

What is not given is chosen by the data: R1 at every 16th step (Mescheder et al. 2018, Karras et al. 2020) keeps
the critic's slope in bounds, weights of the generator are averaged, and the best checkpoint is kept by a judged
score, because no loss of a GAN says when to stop.

Lars Mescheder, Andreas Geiger, Sebastian Nowozin. Which Training Methods for GANs do actually Converge? 2018.
https://arxiv.org/abs/1801.04406
"""

from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import torch
from torch import nn
from torch.optim import Adam

from likeness.data.columns import Columns
from likeness.errors import InputError
from likeness.findings import Finding
from likeness.gan.game import GAN
from likeness.gan.losses import LOSSES
from likeness.gan.penalties import Penalty, gradient_penalty, r1, r2
from likeness.gan.rows import RowGenerator
from likeness.judge.monitors import Saturation
from likeness.nn.average import average
from likeness.nn.choose import critic_for, generator_for
from likeness.recipes.common import Common, Facts, Model, Range, positive
from likeness.run.learner import Learner

BOUNDED = {"non-saturating", "minimax", "hinge", "relativistic"}  # critics' losses with the floor zero
PENALTIES = {"none": (), "r1": (r1,), "r2": (r2,), "r1-r2": (r1, r2), "gradient-penalty": (gradient_penalty,)}
SEARCHED = ("loss", "lr_g", "lr_d", "penalty_weight", "ema")  # by a sweep that is not told what to search


@dataclass(frozen=True)
class Settings(Common):
    """Train a GAN."""

    loss: Literal["non-saturating", "minimax", "least-squares", "hinge", "wasserstein", "relativistic"] = (
        "non-saturating"
    )
    """What critic and generator minimise."""
    penalty: Literal["none", "r1", "r2", "r1-r2", "gradient-penalty"] = "r1"
    """What keeps the critic smooth."""
    penalty_weight: Annotated[float | None, Range(1e-3, 10, log=True)] = None
    """Its weight: 0.1 for r1 and r2, 10 for the gradient penalty, if not given."""
    penalty_every: Annotated[int | None, Range(1, 16, log=True)] = None
    """Apply it at every k-th step, k times as strong; 16 for images and 1 for vectors if not given."""
    n_critic: Annotated[int, Range(1, 5)] = 1
    """Moves of the critic for one of the generator."""
    lr_g: Annotated[float | None, Range(1e-4, 1e-2, log=True)] = None
    """Learning rate of the generator."""
    lr_d: Annotated[float | None, Range(1e-4, 1e-2, log=True)] = None
    """Learning rate of the critic; two time-scales where it differs from the generator's."""
    d_z: Annotated[int | None, Range(2, 256, log=True)] = None
    """Size of the latent vector."""
    width: Annotated[int | None, Range(16, 256, log=True)] = None
    """Channels (images, at half resolution) or units (vectors) of a layer."""
    ema: Annotated[float, Range(0.9, 0.9999)] = 0.999
    """Share of the averaged generator that is kept at each step; 0 draws from the last weights."""
    smoothing: Annotated[float, Range(0, 0.3)] = 0.0
    """One-sided label smoothing."""
    instance_noise: Annotated[float, Range(0, 1)] = 0.0
    """Standard deviation of noise on all that the critic sees; falls to zero over the training."""
    clip: float | None = None
    """Bound on the critic's weights."""
    spectral: bool = False
    """Normalise the critic's layers by their spectral norm."""
    minibatch_std: bool = True
    """Let the critic of images see how alike those of a batch are, in training."""
    conditional: bool = False
    """Generate by class, where the data have labels."""


def fitting(settings: Settings, facts: Facts) -> Settings:
    """The settings with every open choice made by the data.

    Raises:
        InputError: a number out of its range, or a conditional model of data without labels.
    """
    positive(settings, "steps", "batch_size", "lr_g", "lr_d", "d_z", "width", "penalty_every", "judge_every")
    if settings.conditional and not facts.classes:
        raise InputError("--conditional needs labels and the data have none: use class subfolders, y, or --label")
    image = len(facts.event) == 3
    slope = settings.penalty == "gradient-penalty"
    chosen: dict[str, Any] = {
        "steps": 4000,
        "batch_size": min(64 if image else 256, facts.n_train),
        "penalty_weight": 10.0 if slope else 0.1,
        "penalty_every": 16 if image and not slope else 1,
        "lr_g": 5e-4 if image and facts.event[1] > 16 else 1e-3,
        "lr_d": 5e-4 if image and facts.event[1] > 16 else 1e-3,
        "d_z": 64 if image else max(8, 2 * facts.event[0]),
        "width": 64 if image and facts.event[1] <= 16 else 32 if image else 128,
    }
    return replace(settings, **{k: v for k, v in chosen.items() if getattr(settings, k) is None})


def build(settings: Settings, facts: Facts) -> Model:
    """The game, its optimisers and its averaged generator, for settings without open choices."""
    gan = _game(settings, facts).to(settings.device)
    fused = torch.device(settings.device).type == "cpu" or None  # 5 % off a step of points; else torch's choice
    optimisers = {
        gan.D: Adam(gan.D.parameters(), settings.lr_d or 0.0, betas=(0.5, 0.99), fused=fused),
        gan.G: Adam(gan.G.parameters(), settings.lr_g or 0.0, betas=(0.5, 0.99), fused=fused),
    }
    ema = average(gan.G, settings.ema)
    state = nn.ModuleDict({"method": gan, "average": ema})
    once = (gan.G,) if gan.penalties else (gan.G, gan.D)
    learner = Learner(gan, optimisers, lambda: ema.update(gan.G), state, once)
    averaged = gan.with_generator(ema.module)
    decode = None if settings.conditional else averaged.decode
    watch = Starved() if settings.loss in BOUNDED else None
    return Model(learner, averaged.sample, gan.D, gan.loss.logistic, decode, gan.d_z, watch)


class Starved(Saturation):
    """Watches the mean of the critic's loss go to zero."""

    def __call__(self, terms: dict[str, float]) -> list[Finding]:
        return self.update(terms["critic"])


def _game(settings: Settings, facts: Facts) -> GAN:
    d_z, total, weight = settings.d_z or 0, settings.steps or 1, settings.penalty_weight or 0.0
    classes = len(facts.classes) if settings.conditional else 0
    G = generator_for(facts.event, d_z=d_z, width=settings.width, classes=classes)
    if facts.columns:
        columns = Columns.from_state(list(facts.columns))
        G, d_z = RowGenerator(G, columns), d_z + columns.width
    D = critic_for(
        facts.event,
        width=settings.width,
        classes=classes,
        spectral=settings.spectral,
        minibatch_std=settings.minibatch_std and len(facts.event) == 3,
    )
    noise = settings.instance_noise
    return GAN(
        G,
        D,
        d_z=d_z,
        loss=LOSSES[settings.loss.replace("-", "_")],
        penalty=[Penalty(p, weight, settings.penalty_every or 1) for p in PENALTIES[settings.penalty]],
        n_critic=settings.n_critic,
        smoothing=settings.smoothing,
        instance_noise=(lambda i: noise * max(0.0, 1 - i / total)) if noise else 0.0,
        clip=settings.clip,
        labels=torch.tensor(facts.label_counts) if settings.conditional else None,
    )
