"""What the parts of the card `diffusion-beats-gans` share: models trained in the same way, and draws judged alike."""

import time
from typing import NamedTuple, cast

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.utils import clip_grad_norm_
from torch.optim import AdamW

from likeness.core import train
from likeness.data import Dataset, batches
from likeness.data.batching import whole
from likeness.diffusion.ancestral import ancestral
from likeness.diffusion.denoisers import PARAMETERISATIONS, Preconditioned
from likeness.diffusion.diffusion import Diffusion
from likeness.diffusion.schedules import Discrete
from likeness.diffusion.transitions import learned as learned_variance
from likeness.diffusion.transitions import small
from likeness.judge.features import FeatureSpace, features_of
from likeness.judge.frechet import frechet_distance
from likeness.judge.neighbours import prdc
from likeness.nn.adm_unet import Plan, UNet
from likeness.nn.average import average
from likeness.recipes.spaces import space_for
from likeness.sampling import Sampler, draw

BATCH, RATE, DECAY, HYBRID = 128, 2e-3, 0.995, 1e-3
CLIPPED = 1.0  # norm of the gradient of a step


class Eye(NamedTuple):
    """A classifier of clean training images, in whose features draws are held against images that nothing has seen."""

    space: FeatureSpace
    real: Float[Tensor, "m d"]
    device: torch.device
    draws: int

    @classmethod
    def of(cls, data: Dataset, seed: int, device: torch.device, *, draws: int = 500, most: int = 2000) -> "Eye":
        space = space_for("classifier", data, seed, str(device))
        held = torch.cat((whole(data.test, most).x, whole(data.validation, most).x))[:most]
        return cls(space, features_of(space, held, device=device).cpu(), device, draws)

    def scores(self, x: Float[Tensor, " n *event"]) -> dict[str, float]:
        """Fréchet distance, precision and recall of draws."""
        seen = features_of(self.space, x, device=self.device).cpu()
        near = prdc(self.real, seen)
        return {"frechet": float(frechet_distance(seen, self.real)), **{k: near[k] for k in ("precision", "recall")}}

    def accuracy(self, x: Float[Tensor, " n *event"], y: Int[Tensor, " n"]) -> float:
        """The share of draws that it takes for the class that was asked for."""
        assert self.space.probabilities is not None
        seen = self.space.probabilities(features_of(self.space, x, device=self.device))
        return float((seen.argmax(1).cpu() == y.cpu()).double().mean())

    def drawn(self, sampler: Sampler, seed: int) -> dict[str, float]:
        return self.scores(draw(sampler, self.draws, generator=seed, batch_size=250))


def under(name: str, scores: dict[str, float]) -> dict[str, float]:
    return {f"{name}.{key}": value for key, value in scores.items()}


def model(
    data: Dataset,
    schedule: Discrete,
    plan: Plan,
    *,
    learned: bool,
    conditional: bool = False,
    drop: float = 0.0,
    levels: int | None = None,
) -> Diffusion:
    """A network that predicts noise; its draws take every level of the schedule."""
    classes = len(data.classes) + (drop > 0) if conditional else 0
    F = UNet(tuple(data.event), outputs=1 + learned, classes=classes, plan=plan)
    variance = learned_variance if learned else small
    y = whole(data.train).y
    assert y is not None
    return Diffusion(
        Preconditioned(F, PARAMETERISATIONS["noise"], schedule.told, learned=learned),
        schedule,
        data.event,
        rule=ancestral(variance),
        sigmas=schedule.levels(schedule.T),
        bound=HYBRID if learned else 0.0,
        variance=variance,
        labels=torch.bincount(y) if conditional else None,
        drop=drop,
        clip=True,
        levels=levels,
    )


def trained(made: Diffusion, data: Dataset, steps: int, seed: int) -> tuple[Diffusion, float]:
    """The model with the average of its weights, and the seconds that it took."""
    device = next(made.parameters()).device
    moves, ema = AdamW(made.parameters(), RATE, fused=True, weight_decay=0.0), average(made, DECAY)
    began = time.monotonic()
    feed = batches(data.train, BATCH, seed=seed, steps=steps, device=device)
    for _ in train(made, feed, moves, gradients=lambda D: clip_grad_norm_(D.parameters(), CLIPPED)):
        ema.update(made)
    return cast(Diffusion, ema.module), time.monotonic() - began
