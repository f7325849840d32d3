"""From DDPM to ADM on digits: the parts of the network and of the loss switched on one by one, each trained alike.

Jonathan Ho, Ajay Jain, Pieter Abbeel. Denoising Diffusion Probabilistic Models. 2020. https://arxiv.org/abs/2006.11239
Alex Nichol, Prafulla Dhariwal. Improved Denoising Diffusion Probabilistic Models. 2021.
https://arxiv.org/abs/2102.09672
Prafulla Dhariwal, Alex Nichol. Diffusion Models Beat GANs on Image Synthesis, section 3. 2021.
https://arxiv.org/abs/2105.05233
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from likeness.data import Dataset
from likeness.data.batching import whole
from likeness.diffusion.ancestral import ancestral
from likeness.diffusion.bound import bound
from likeness.diffusion.diffusion import Diffusion
from likeness.diffusion.sampler import Diffused
from likeness.diffusion.schedules import Discrete, cosine, linear
from likeness.diffusion.transitions import VARIANCES, Variance
from likeness.nn.adm_unet import Plan
from likeness.nn.modes import evaluating
from likeness.papers._diffusion import Eye, model, trained, under

GREY = 17  # levels of a digit's pixels


class Part(NamedTuple):
    """What is switched on, what the paper says that it brings, and the schedule, loss and network with it."""

    words: str
    published: str | None
    schedule: str
    learned: bool
    plan: Plan


def parts(width: int) -> dict[str, Part]:
    """Each has all that those above it have."""
    plan = Plan(width, (1, 2), blocks=1, attention=(4,), heads=1, adaptive=False, resblock_updown=False)
    adaptive = plan._replace(adaptive=True)
    heads = adaptive._replace(heads=None, head_channels=width // 2)
    attention = heads._replace(attention=(8, 4))
    updown = attention._replace(resblock_updown=True)
    fid = "FID {} (ImageNet 128)".format
    return {
        "ddpm": Part("DDPM", None, "linear", False, plan),
        "cosine": Part("+ cosine schedule", None, "cosine", False, plan),
        "learned": Part("+ learned variances, hybrid loss", None, "cosine", True, plan),
        "adaptive": Part("+ adaptive group norm", "FID 15.08 → 13.06", "cosine", True, adaptive),
        "heads": Part("+ more heads", fid("−0.8"), "cosine", True, heads),
        "attention": Part("+ attention at more sides", fid("−0.7"), "cosine", True, attention),
        "updown": Part("+ sides change in residual blocks: ADM", fid("−1.2"), "cosine", True, updown),
        "rescaled": Part("+ residuals rescaled, not kept", fid("+0.2"), "cosine", True, updown._replace(rescale=True)),
    }


def schedule_of(name: str, T: int) -> Discrete:
    return linear(T) if name == "linear" else cosine(T)


def measure(
    data: Dataset, eye: Eye, seed: int, *, T: int, steps: int, width: int, test: int
) -> Iterator[tuple[str, dict[str, float]]]:
    """Of each part: draws of 50 steps judged, and bits per dimension of test digits."""
    x = whole(data.test, test).x.to(eye.device)
    for name, part in parts(width).items():
        torch.manual_seed(seed)
        made = model(data, schedule_of(part.schedule, T), part.plan, learned=part.learned, levels=GREY)
        made, seconds = trained(made.to(eye.device), data, steps, seed)
        sampler = respaced(made, min(50, T))
        found = eye.drawn(sampler, seed) | {"seconds": seconds}
        ways = ("learned",) if part.learned else ("small", "large")
        found |= {f"bits.{way}": bits(made, x, VARIANCES[way]) for way in ways}
        yield name, found | {"bits": min(found[f"bits.{way}"] for way in ways)}


def respaced(made: Diffusion, steps: int, variance: Variance | None = None) -> Diffused:
    """Draws of so many of its levels, with the variances that it has."""
    device = next(made.parameters()).device
    rule = ancestral(made.variance if variance is None else variance)
    return Diffused(made.denoiser(), rule, made.schedule.levels(steps), made.event, device=device)


def bits(made: Diffusion, x: Tensor, variance: Variance) -> float:
    """The bound of every level, in bits per dimension of pixels rounded as the data are."""
    with evaluating(made.D):
        found = bound(made.denoiser(), x, made.sigmas, variance, levels=GREY)
    return float(found.nats.mean()) / (x[0].numel() * math.log(2))


def numbers(found: Iterator[tuple[str, dict[str, float]]]) -> dict[str, float]:
    return {key: value for name, scores in found for key, value in under(f"parts.{name}", scores).items()}
