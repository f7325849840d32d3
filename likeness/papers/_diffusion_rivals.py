"""A diffusion model, a GAN and a VAE of this library on one set of images, each given the same seconds of a processor.

Prafulla Dhariwal, Alex Nichol. Diffusion Models Beat GANs on Image Synthesis. 2021. https://arxiv.org/abs/2105.05233
"""

import math
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import torch

from likeness.data import Dataset, load
from likeness.papers._diffusion import Eye, under
from likeness.recipes.common import recipe
from likeness.recipes.pipeline import begin, reopen, training
from likeness.sampling import draw

SETS = {"fashion_mnist": "Fashion-MNIST", "cifar10_subset": "CIFAR-10"}  # a folder, and what it is called


class Rival(NamedTuple):
    """A recipe, what it is called, and the settings that are not its own choice."""

    recipe: str
    words: str
    given: dict[str, Any]


RIVALS = {
    "diffusion": Rival("diffusion", "diffusion", {"schedule": "edm", "lr": 2e-3, "lr_decay": 0.9, "ema": 0.995}),
    "gan": Rival("gan", "GAN", {"steps": 1_000_000, "judge_every": 500}),
    "vae": Rival("vae", "VAE", {"steps": 10_000, "judge_every": 500, "draws": "mean"}),
}


def measure(
    name: str, seed: int, steps: int, *, limit: int | None, draws: int, device: torch.device
) -> dict[str, float]:
    """Of each: draws judged in the space of a classifier, steps and seconds of the training, milliseconds a draw.

    The diffusion model takes its steps, the others the processor's seconds that it took.
    """
    data = load(name, seed=seed, limit=limit)
    eye, seconds = Eye.of(data, seed, device), math.inf
    found: dict[str, float] = {}
    for way, rival in RIVALS.items():
        if way == "diffusion":
            rival = rival._replace(given=rival.given | {"steps": steps, "judge_every": steps})
        scores = of(rival, data, eye, seed=seed, seconds=seconds, draws=draws)
        found |= under(way, scores)
        seconds = min(seconds, scores["seconds"])
    return found


def of(rival: Rival, data: Dataset, eye: Eye, *, seed: int, seconds: float, draws: int) -> dict[str, float]:
    """What the checkpoint draws that the recipe thinks best."""
    with tempfile.TemporaryDirectory() as folder:
        out, steps = Path(folder) / "run", 0
        settings = recipe(rival.recipe).Settings(
            data.name, out=out, seed=seed, device=str(eye.device), track=("none",), **rival.given
        )
        session, began = begin(rival.recipe, settings, data), time.process_time()
        for tick in training(session, data, eye.space):
            steps = tick.iteration
            if time.process_time() - began > seconds and any(out.glob("checkpoints/*")):
                break
        took = time.process_time() - began
        model, began = reopen(out, device=str(eye.device)).model, time.process_time()
        x = draw(model.sampler, draws, generator=seed, batch_size=250)
        cost = (time.process_time() - began) * 1000 / draws
        return eye.scores(x) | {"steps": float(steps), "seconds": took, "milliseconds": cost}
