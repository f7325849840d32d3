"""An Exemplar VAE for vectors, tables and images: draws near training samples, or near whichever are given.

What is not given is chosen by the data: a Gaussian likelihood of one learned σ, for tables a distribution for each
column, two gated layers each way as in the paper, half of the exemplars an epoch, 10 neighbours or what a small batch
allows. The states that a training goes on from hold its samples (images as 8 bits); checkpoints to draw from hold their
codes alone. Checkpoints are chosen by a bound of 8 draws on held-out samples; the bound that is reported has 64.
"""

from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from torch import nn
from torch.optim import Adam

from likeness.density.exemplar_vae import TO_TRAIN, ExemplarVAE
from likeness.density.latents import constant, linear
from likeness.density.likelihoods import binarised
from likeness.errors import InputError
from likeness.nn.gated import GatedMLP
from likeness.recipes.common import Common, Facts, Model, Range, positive
from likeness.recipes.decoders import levels_of, likelihood_of
from likeness.run.learner import Learner

SEARCHED = ("d_z", "lr", "width", "share")  # by a sweep that is not told what to search


@dataclass(frozen=True)
class Settings(Common):
    """Train an Exemplar VAE."""

    likelihood: Literal["gaussian", "logistic", "bernoulli", "mixed"] | None = None
    """What the decoder says of a pixel or a column: gaussian (one learned σ), logistic (images, of the levels that
    their pixels have), bernoulli (images, binarised anew at each step), mixed (each column of a table its own kind);
    mixed for tables, else gaussian."""
    floor: float = 0.01
    """A learned σ of the likelihood stays above it."""
    k: int | None = None
    """Neighbours that each sample learns from; 10, or fewer in small batches, if not given."""
    share: Annotated[float, Range(0.1, 1)] = 0.5
    """Part of the exemplars that an epoch learns with."""
    beta: Annotated[float, Range(0.1, 10, log=True)] = 1.0
    """Weight of the divergence; 1 is the evidence lower bound."""
    warmup: int | None = None
    """Steps over which that weight rises from zero; a tenth of the training if not given."""
    d_z: Annotated[int | None, Range(2, 128, log=True)] = None
    """Size of the latent vector."""
    width: Annotated[int, Range(16, 512, log=True)] = 300
    """Units of a layer."""
    lr: Annotated[float, Range(1e-4, 1e-2, log=True)] = 1e-3
    """Learning rate."""
    draws: Literal["sample", "mean"] = "sample"
    """What is drawn, judged and shown: samples of the decoder's distribution, or its means."""


def fitting(settings: Settings, facts: Facts) -> Settings:
    """The settings with every open choice made by the data.

    Raises:
        InputError: a number out of its range, a likelihood that is not of such data, more neighbours than a batch has,
            or a way to train that needs more than the samples at hand.
    """
    positive(settings, "steps", "batch_size", "lr", "d_z", "width", "judge_every", "floor", "share", "k")
    image, kind = len(facts.event) == 3, settings.likelihood
    for name in ("stream", "shard"):
        if getattr(settings, name):
            raise InputError(f"--{name} with exemplars, which every process keeps in memory: leave it out, or use vae")
    if kind in ("logistic", "bernoulli") and not image:
        raise InputError(f"--likelihood {kind} is of pixels and these are {facts.kind}: use gaussian")
    if kind == "mixed" and not facts.columns:
        raise InputError(f"--likelihood mixed is of a table's columns and these are {facts.kind}: use gaussian")
    size = settings.batch_size or min(100, facts.n_train)
    if settings.k is not None and settings.k >= size:
        raise InputError(f"--k {settings.k}: a batch of {size} samples has fewer other ones; use --batch-size or less")
    steps = settings.steps or 4000
    chosen: dict[str, Any] = {
        "likelihood": "mixed" if facts.columns else "gaussian",
        "steps": steps,
        "batch_size": size,
        "k": max(1, min(10, size - 1, int(settings.share * facts.n_train) - 1)),
        "warmup": steps // 10,
        "d_z": (16 if facts.event[1] <= 16 else 40) if image else max(2, facts.event[0]),
    }
    return replace(settings, **{k: v for k, v in chosen.items() if getattr(settings, k) is None})


def build(settings: Settings, facts: Facts) -> Model:
    """The model and its optimiser, for settings without open choices."""
    s, likelihood = settings, likelihood_of(settings.likelihood, facts, floor=settings.floor)
    d_z, first, *rest = s.d_z or 0, *facts.event
    model = ExemplarVAE(
        GatedMLP(facts.event, (2 * d_z,), width=s.width),
        GatedMLP((d_z,), (likelihood.outputs * first, *rest), width=s.width),
        likelihood,
        d_z=d_z,
        event=facts.event,
        capacity=facts.n_train,
        share=s.share,
        k=s.k,
        beta=linear(s.warmup, s.beta) if s.warmup else constant(s.beta),
        observe=binarised if s.likelihood == "bernoulli" else None,
    ).to(s.device)
    every, steps = s.judge_every or max(1, (s.steps or 1) // 10), s.steps

    def after() -> None:
        if model.iteration % every == 0 or model.iteration == steps:
            model.refresh()  # what is judged and kept has the codes of its own encoder

    state = nn.ModuleDict({"method": model})
    names = tuple(name for name, _ in state.named_buffers() if name.split(".")[1] in TO_TRAIN)
    optimiser = Adam(model.parameters(), s.lr)
    return Model(
        Learner(model, optimiser, after, state, (model.D,), names),
        lambda n, *, generator=None: model.sample(n, generator=generator, mean=s.draws == "mean"),
        drawn="means of p(x|z), without its noise" if s.draws == "mean" else "samples of p(x|z)",
        log_prob=model.log_prob,
        log_prob_kind=model.log_prob_kind,
        levels=levels_of(s.likelihood, facts),
        score=("nll", lambda x: -model.log_prob(x, k=8)),
        encode=lambda x: model.encode(x).mean,
        reconstruct=model.reconstruct,
        variants=model.variants,
    )
