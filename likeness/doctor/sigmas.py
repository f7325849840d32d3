"""A sweep over the decoder's σ (or β): what reconstructions gain, draws from the prior may lose.

For each value a model is trained anew, for as many steps as are said, and measured on samples it has not seen. The
squared error falls with σ all the way; the bound and the draws each have a best σ, and these need not be one.

James Lucas, George Tucker, Roger Grosse, Mohammad Norouzi. Don't Blame the ELBO! 2019.
https://arxiv.org/abs/1911.02469
"""

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from likeness.density.collapse import use
from likeness.density.vae import VAE
from likeness.doctor.bound import elbo, seen_by
from likeness.doctor.codes import posterior_of
from likeness.doctor.part import Part
from likeness.files import replacing
from likeness.findings import Finding
from likeness.judge.features import FeatureSpace, features_of
from likeness.judge.frechet import frechet_distance
from likeness.sampling import Streams, draw


class Point(NamedTuple):
    """What one model came to, on unseen samples.

    Attributes:
        value: the σ (or β) it was trained with.
        error: squared error of reconstructions, summed over the dimensions of a sample.
        kl, active: nats a sample, and how many latents move with x.
        negative_elbo: nats a sample.
        means, samples: Fréchet distance of draws from the prior, of decoder means and of samples.
        variance: of prior draws (means), summed over dimensions.
    """

    value: float
    error: float
    kl: float
    active: int
    negative_elbo: float
    means: float
    samples: float
    variance: float


def measured(
    vae: VAE, value: float, *, x: Tensor, y: Tensor | None, space: FeatureSpace, known: Tensor, seed: int = 0
) -> Point:
    """The numbers of one model on unseen samples x, whose features are `known`."""
    device = next(vae.parameters()).device
    x = seen_by(vae, x)
    labels = None if vae.frequencies is None or y is None else y
    rebuilt = torch.cat([vae.reconstruct(part.to(device), None if labels is None else labels[i : i + 256].to(device))
                         .cpu() for i, part in zip(range(0, len(x), 256), x.split(256), strict=True)])  # fmt: skip
    found = use(posterior_of(vae, x, y))
    distances, variance = {}, 0.0
    for mean in (True, False):
        made = draw(lambda n, *, generator=None: vae.sample(n, generator=generator, mean=mean), len(known),  # noqa: B023
                    generator=Streams(seed).split("sweep"))  # fmt: skip
        distances[mean] = frechet_distance(features_of(space, made, device=device).cpu(), known)
        variance = float(made.flatten(1).var(0).sum()) if mean else variance
    error = float((rebuilt - x).square().flatten(1).sum(1).mean())
    nelbo = -float(elbo(vae, x, y).mean())
    return Point(value, error, found.nats, int(found.active.sum()), nelbo, distances[True], distances[False], variance)


def swept(
    values: Sequence[float],
    trained: Callable[[float], VAE],
    x: Tensor,
    y: Tensor | None,
    space: FeatureSpace,
    *,
    device: str = "cpu",
    seed: int = 0,
) -> Iterator[Point]:
    """A point for each value, as they are done."""
    known = features_of(space, x, device=device).cpu()
    for value in values:
        yield measured(trained(value).eval(), value, x=x, y=y, space=space, known=known, seed=seed)


def grid(largest: float, smallest: float, points: int) -> list[float]:
    """Values at equal ratios, falling."""
    step = (smallest / largest) ** (1 / max(1, points - 1))
    return [largest * step**i for i in range(points)]


def picture(points: Sequence[Point], path: Path, *, name: str = "σ", note: str = "") -> Path:
    """Reconstruction, KL, bound and draws against σ, four drawings in one PNG file."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.6, 6.4), layout="constrained")
    panels = {
        "squared error of a reconstruction": [("error", "", "#0072b2")],
        "KL (nats a sample)": [("kl", "", "#0072b2")],
        "−ELBO (nats a sample)": [("negative_elbo", "", "#0072b2")],
        "Fréchet distance of draws from the prior": [("means", "means", "#0072b2"), ("samples", "samples", "#d55e00")],
    }
    x = [p.value for p in points]
    for axes, (title, curves) in zip(figure.subplots(2, 2).flat, panels.items(), strict=True):
        for key, label, colour in curves:
            y = [getattr(p, key) for p in points]
            axes.plot(x, y, "o-", color=colour, label=label, markersize=4, linewidth=1.6)
            if title[0] not in "sK":
                best = min(range(len(y)), key=y.__getitem__)
                axes.annotate(f"{x[best]:.3g}", (x[best], y[best]), xytext=(0, -13), textcoords="offset points",
                              ha="center", color=colour, fontsize=9)  # fmt: skip
        axes.set(xscale="log", title=title, xlabel=name)
        axes.margins(y=0.16)
        axes.set_xticks(x, [f"{v:.3g}" for v in x])
        axes.minorticks_off()
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        if len(curves) > 1:
            axes.set_yscale("log")
            axes.legend(frameon=False)
    figure.suptitle(note, fontsize=10)
    with replacing(path) as beside:
        figure.savefig(beside, format="png", dpi=110)
    return path


def part(points: Sequence[Point], path: str, *, steps: int, name: str = "σ") -> Part:
    """The sweep in words; `path` is its picture within the folder of the run."""
    bound = min(points, key=lambda p: p.negative_elbo)
    means, samples = min(points, key=lambda p: p.means), min(points, key=lambda p: p.samples)
    words = [
        f"{len(points)} models of {steps} steps each, far fewer than a full training: read the shape, not the digits.",
        f"Best bound at {name} = {bound.value:.3g}; best draws from the prior at {name} = {means.value:.3g} as means, "
        f"{samples.value:.3g} as samples.",
    ]
    told = []
    if not math.isclose(bound.value, means.value):
        saw = f"The best bound and the best draws are at unlike {name}: {bound.value:.3g} and {means.value:.3g}."
        told.append(Finding("likelihood-not-quality", saw, "Choose by what the model is for, and say by which."))
    numbers = {f"{name} = {p.value:.3g}": {k: v for k, v in p._asdict().items() if k != "value"} for p in points}
    return Part("sweep", f"A sweep over {name}", words, numbers, findings=told, pictures=[path])
