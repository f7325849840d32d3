"""An energy for vectors, tables and square images, with settings that fit the data.

The network tilts a Gaussian that is as wide as the data, so that there is a density whatever it learns; weights are
averaged, and checkpoints chosen by the Fréchet distance of draws, because an energy without log Z says nothing of its
own progress. At every look chains say whether they cross between the modes of what was learned.

Yang Song, Diederik P. Kingma. How to Train Your Energy-Based Models. 2021. https://arxiv.org/abs/2101.03288
"""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Annotated, Any, Literal

import torch
from torch import Tensor, nn
from torch.optim import Adam

from likeness.energy.alarms import Runaway, judged_gap
from likeness.energy.contrastive_divergence import ContrastiveDivergence
from likeness.energy.noise_contrastive import NoiseContrastive
from likeness.energy.walks import Walk, mixing
from likeness.errors import InputError
from likeness.findings import Finding
from likeness.nn.average import average
from likeness.nn.choose import critic_for
from likeness.recipes.common import Common, Facts, Model, Range, positive
from likeness.run.learner import Learner

SHORTEST = 16  # steps of a draw: the verdict on chains looks at the second half, at 8 states or more
SEARCHED = ("lr", "walk", "step_size", "penalty")  # by a sweep that is not told what to search


@dataclass(frozen=True)
class Settings(Common):
    """Learn an energy, a density up to its constant."""

    method: Literal["persistent", "cd", "nce"] = "persistent"
    """Contrastive divergence with chains that go on, or with chains from data; or noise-contrastive estimation."""
    walk: Annotated[int, Range(5, 60, log=True)] = 20
    """Langevin steps of a negative sample in training."""
    step_size: Annotated[float | None, Range(1e-3, 0.1, log=True)] = None
    """Of Langevin, as a share of the variance of data; 0.03 for images and 0.01 for vectors if not given."""
    draw_steps: int = 500
    """Langevin steps of a draw."""
    buffer: int | None = None
    """Persistent chains; four batches if not given."""
    restart: Annotated[float, Range(0.01, 0.2)] = 0.05
    """Share of them that begins anew at each step."""
    penalty: Annotated[float, Range(1e-3, 1, log=True)] = 0.01
    """Weight of the squared energies."""
    smooth: Annotated[float, Range(0, 0.1)] = 0.0
    """Noise on training samples, as a share of their standard deviation."""
    nu: int = 4
    """Draws of noise for one sample, of nce."""
    width: Annotated[int | None, Range(16, 256, log=True)] = None
    """Channels (images, at half resolution) or units (vectors) of a layer."""
    lr: Annotated[float, Range(1e-4, 1e-2, log=True)] = 1e-3
    """Learning rate."""
    ema: Annotated[float, Range(0.9, 0.9999)] = 0.99
    """Share of the averaged weights that is kept at each step; 0 uses the last weights."""


def fitting(settings: Settings, facts: Facts) -> Settings:
    """The settings with every open choice made by the data.

    Raises:
        InputError: a number is out of its range.
    """
    positive(settings, "steps", "batch_size", "walk", "step_size", "draw_steps", "nu", "width", "lr", "judge_every")
    image = len(facts.event) == 3
    size = settings.batch_size or min(64 if image else 256, facts.n_train)
    if settings.buffer is not None and settings.buffer < size:
        raise InputError(f"--buffer {settings.buffer} for batches of {size}: persistent chains are a batch or more")
    if settings.draw_steps < SHORTEST:
        raise InputError(f"--draw-steps {settings.draw_steps}: chains say whether they mix after {SHORTEST} or more")
    chosen: dict[str, Any] = {
        "steps": 3000 if settings.method == "nce" else 2000,
        "batch_size": size,
        "step_size": 0.03 if image else 0.01,
        "buffer": 4 * size,
        "width": 32 if image else 64,
    }
    return replace(settings, **{k: v for k, v in chosen.items() if getattr(settings, k) is None})


def build(settings: Settings, facts: Facts) -> Model:
    """The energy, its optimiser and its average, for settings without open choices."""
    method = _method(settings, facts).to(settings.device)
    learned = method.model if isinstance(method, NoiseContrastive) else method.E
    ema = average(learned, settings.ema)
    state = nn.ModuleDict({"method": method, "average": ema})
    optimiser = Adam(learned.parameters(), settings.lr, betas=(0.5, 0.99))
    learner = Learner(method, optimiser, lambda: ema.update(learned), state)
    used: Any = _with(method, ema.module)
    watch = Watch(lambda: mixing(used.energy, used.reference, used.drawing).findings, prod(facts.event))
    clipped = _within(used.sample, -1.0, 1.0) if len(facts.event) == 3 else used.sample
    return Model(
        learner,
        clipped,
        watch=watch,
        log_prob=used.log_prob,
        log_prob_kind=used.log_prob_kind,
        energy=used.energy,
    )


class Watch:
    """Watches the mean gap in energy between data and samples, and whether chains of what was learned mix."""

    def __init__(self, mixed: Callable[[], tuple[Finding, ...]], d: int = 2) -> None:
        self.mixed, self.d, self.runaway = mixed, d, Runaway(floor=5 * d)

    def __call__(self, terms: dict[str, float]) -> list[Finding]:
        found = []
        if "contrast" in terms:
            found = judged_gap(-terms["contrast"], self.d) + self.runaway.update(terms["contrast"])
        return found + list(self.mixed())

    def state_dict(self) -> dict[str, Any]:
        return self.runaway.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.runaway.load_state_dict(state)


def _method(settings: Settings, facts: Facts) -> ContrastiveDivergence | NoiseContrastive:
    f, size = critic_for(facts.event, width=settings.width), settings.step_size or 0.01
    drawing = Walk(settings.draw_steps, size)
    if settings.method == "nce":
        return NoiseContrastive(f, facts.event, nu=settings.nu, drawing=drawing)
    return ContrastiveDivergence(
        f,
        facts.event,
        buffer=settings.buffer or 0 if settings.method == "persistent" else 0,
        restart=settings.restart,
        walk=Walk(settings.walk, size),
        drawing=drawing,
        penalty=settings.penalty,
        smooth=settings.smooth,
    )


def _with(method: ContrastiveDivergence | NoiseContrastive, learned: nn.Module) -> Any:
    """The same method, sharing all but what was learned: to draw from its average."""
    other = copy.copy(method)
    name = "model" if isinstance(method, NoiseContrastive) else "E"
    other._modules = {**method._modules, name: learned}
    return other


def _within(sample: Callable[..., Tensor], low: float, high: float) -> Callable[..., Tensor]:
    """Draws cut off at the ends of what a pixel can be."""

    def draws(n: int, *, generator: Any = None) -> Tensor:
        return torch.clamp(sample(n, generator=generator), low, high)

    return draws
