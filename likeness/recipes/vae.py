"""A variational autoencoder for vectors, tables and square images, with settings that fit the data.

What is not given is chosen by the data: one σ for all dimensions, learned, because it is the weight between detail and
prior that nobody has to guess (Rybkin et al. 2021); for tables a distribution for each column; a weight of the KL that
rises from zero over the first tenth of the training, so that latents are taken up before they cost anything (Bowman et
al. 2016). The bound reported for a sample is importance-weighted, by 64 draws of z. With `hierarchy` above one
there are latents at so many levels, inferred from the top down; codes are those of the top, reconstructions use all.

Draws are samples of p(x|z) unless `draws` says mean: a mean has no noise of its own, is what papers often show, and is
no draw from the model. A Gaussian decoder's noise reaches beyond [-1, 1] and is not cut off there, because that would
move the mean of every dark and bright pixel.

Oleh Rybkin, Kostas Daniilidis, Sergey Levine. Simple and Effective VAE Training with Calibrated Decoders. 2021.
https://arxiv.org/abs/2006.13202
Samuel R. Bowman et al. Generating Sentences from a Continuous Space. 2016. https://arxiv.org/abs/1511.06349
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from math import prod
from typing import Annotated, Any, Literal, cast

import torch
from torch import nn
from torch.optim import Adam

from likeness.density.collapse import collapsed_levels
from likeness.density.ladder import Ladder
from likeness.density.latents import Schedule, constant, cyclic, linear
from likeness.density.likelihoods import (
    binarised,
)
from likeness.density.vae import VAE
from likeness.errors import InputError
from likeness.findings import Finding
from likeness.nn.average import average
from likeness.nn.coding import decoder_for, encoder_for
from likeness.nn.topdown import bottom_up_for, latent_shapes, top_down_for
from likeness.recipes.common import Common, Facts, Model, Range, positive
from likeness.recipes.decoders import levels_of, likelihood_of
from likeness.run.learner import Learner

SEARCHED = ("beta", "d_z", "lr", "width")  # by a sweep that is not told what to search


@dataclass(frozen=True)
class Settings(Common):
    """Train a variational autoencoder."""

    likelihood: Literal["gaussian", "gaussian-map", "logistic", "bernoulli", "mixed"] | None = None
    """What the decoder says of a pixel or a column: gaussian, gaussian-map (each pixel of each sample its own σ),
    logistic (images, of the levels that their pixels have), bernoulli (images, binarised anew at each step), mixed
    (each column of a table its own kind); mixed for tables, else gaussian."""
    sigma: Annotated[float | None, Range(0.02, 1, log=True)] = None
    """The standard deviation of gaussian, in units of the data (images lie in [-1, 1]); learned if not given."""
    floor: float = 0.01
    """A learned σ stays above it, so that a pixel that never changes cannot make the density infinite."""
    beta: Annotated[float, Range(0.1, 10, log=True)] = 1.0
    """Weight of the KL; 1 is the evidence lower bound."""
    warmup: int | None = None
    """Steps over which that weight rises from zero; a tenth of the training if not given."""
    cycles: int = 0
    """Let the weight rise from zero so many times, to the middle of each cycle, instead of once."""
    free_bits: Annotated[float, Range(0, 1)] = 0.0
    """Nats of each latent that cost nothing."""
    hierarchy: Literal[1, 2, 3, 4] = 1
    """Levels of latents; above one each is drawn given those above it."""
    d_z: Annotated[int | None, Range(2, 128, log=True)] = None
    """Size of the latent vector; of a hierarchy, of the one at the top."""
    width: Annotated[int | None, Range(16, 512, log=True)] = None
    """Channels (images, at half resolution) or units (vectors) of a layer."""
    lr: Annotated[float, Range(1e-4, 1e-2, log=True)] = 1e-3
    """Learning rate."""
    ema: Annotated[float, Range(0.9, 0.9999)] = 0.0
    """Share of averaged weights that is kept at each step; 0 uses the last weights."""
    draws: Literal["sample", "mean"] = "sample"
    """What is drawn, judged and shown: samples of the decoder's distribution, or its means."""
    conditional: bool = False
    """Generate by class, where the data have labels."""


def fitting(settings: Settings, facts: Facts) -> Settings:
    """The settings with every open choice made by the data.

    Raises:
        InputError: a number out of its range, a likelihood that is not of such data, or a conditional model of data
            without labels.
    """
    positive(settings, "steps", "batch_size", "lr", "d_z", "width", "judge_every", "sigma", "floor")
    image, kind = len(facts.event) == 3, settings.likelihood
    if settings.conditional and not facts.classes:
        raise InputError("--conditional needs labels and the data have none: use class subfolders, y, or --label")
    if kind in ("logistic", "bernoulli") and not image:
        raise InputError(f"--likelihood {kind} is of pixels and these are {facts.kind}: use gaussian or gaussian-map")
    if kind == "mixed" and not facts.columns:
        raise InputError(f"--likelihood mixed is of a table's columns and these are {facts.kind}: use gaussian")
    if settings.sigma is not None and kind not in (None, "gaussian"):
        raise InputError(f"--sigma {settings.sigma:g} belongs to --likelihood gaussian, not {kind}: leave one out")
    steps = settings.steps or 4000
    small = image and facts.event[1] <= 16
    plain = "mixed" if facts.columns and settings.sigma is None else "gaussian"
    chosen: dict[str, Any] = {
        "likelihood": plain,
        "steps": steps,
        "batch_size": min(128, facts.n_train),
        "warmup": steps // 10,
        "d_z": (16 if small else 32) if image else max(2, facts.event[0]),
        "width": 32 if image else 256,
    }
    return replace(settings, **{k: v for k, v in chosen.items() if getattr(settings, k) is None})


def build(settings: Settings, facts: Facts) -> Model:
    """The model, its optimiser and its average where one is kept, for settings without open choices."""
    vae = vae_of(settings, facts).to(settings.device)
    if settings.shard:
        vae.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]  # what is cut must lie in a row
    used, state, after = vae, nn.ModuleDict({"method": vae}), _nothing
    if settings.ema:
        ema = average(vae, settings.ema)
        used, after = cast(VAE | Ladder, ema.module), partial(ema.update, vae)
        state["average"] = ema
    once = (vae.E, vae.D) if isinstance(vae, VAE) else (vae.E,)  # the way down calls back
    learner = Learner(vae, _optimiser(vae, settings), after, state, once)
    plain = not settings.conditional  # codes and decoders of a conditional model need labels
    return Model(
        learner,
        partial(used.sample, mean=settings.draws == "mean"),
        drawn="means of p(x|z), without its noise" if settings.draws == "mean" else "samples of p(x|z)",
        decode=used.decode if plain else None,
        d_z=vae.d_z,
        watch=Collapse(),
        log_prob=used.log_prob,
        log_prob_kind=used.log_prob_kind,
        levels=levels_of(settings.likelihood, facts),
        encode=(lambda x: used.encode(x).mean) if plain else None,
        reconstruct=used.reconstruct if plain else None,
        variants=used.variants if plain and isinstance(used, VAE) else None,
        vae=used,
    )


class Collapse:
    """Watches the mean KL of the steps since the last look, at every level."""

    def __call__(self, terms: dict[str, float]) -> list[Finding]:
        names = sorted((name for name in terms if name.split("_")[0] == "kl"), reverse=True)  # from the top down
        return collapsed_levels([terms[name] for name in names])

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """There is none."""


def _nothing() -> None:
    pass


def vae_of(settings: Settings, facts: Facts) -> VAE | Ladder:
    """The model alone, for settings without open choices."""
    d_z, width, levels = settings.d_z or 0, settings.width, settings.hierarchy
    classes, likelihood = (
        len(facts.classes) if settings.conditional else 0,
        likelihood_of(settings.likelihood, facts, sigma=settings.sigma, floor=settings.floor),
    )
    given: dict[str, Any] = {
        "beta": _schedule(settings),
        "free_bits": settings.free_bits,
        "observe": binarised if settings.likelihood == "bernoulli" else None,
        "labels": torch.tensor(facts.label_counts) if settings.conditional else None,
    }
    if levels == 1:
        E = encoder_for(facts.event, 2 * d_z, width=width, classes=classes)
        D = decoder_for(facts.event, d_z=d_z, outputs=likelihood.outputs, width=width, classes=classes)
        return VAE(E, D, likelihood, d_z=d_z, **given)
    up = bottom_up_for(facts.event, d_z=d_z, levels=levels, width=width, classes=classes)
    outputs = likelihood.outputs
    down = top_down_for(facts.event, d_z=d_z, levels=levels, outputs=outputs, width=width, classes=classes)
    sizes = [prod(shape) for shape in latent_shapes(facts.event, d_z=d_z, levels=levels)]
    return Ladder(up, down, likelihood, sizes=sizes, **given)


def _schedule(settings: Settings) -> Schedule:
    if settings.cycles:
        return cyclic(settings.steps or 1, cycles=settings.cycles, beta=settings.beta)
    return linear(settings.warmup, settings.beta) if settings.warmup else constant(settings.beta)


def _optimiser(vae: VAE | Ladder, settings: Settings) -> Adam:
    """The likelihood's own parameters in a group apart: they are whole where those of networks are shared out."""
    own = {id(p) for network in (vae.E, vae.D) for p in network.parameters()}
    groups = [[p for p in vae.parameters() if (id(p) in own) is there] for there in (True, False)]
    fused = torch.device(settings.device).type == "cpu" or None
    return Adam([{"params": group} for group in groups if group], settings.lr, fused=fused)
