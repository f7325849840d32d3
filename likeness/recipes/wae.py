"""A Wasserstein autoencoder for vectors, tables and square images, with settings that fit the data.

It is a VAE's rival with no noise between code and sample: codes as a whole are those of the prior, so that what is
decoded from it is near what is decoded from codes of data. Errors cost their squares; those of a table cost what they
are by the distribution of each column, and its draws are rows drawn from that. There is no likelihood: checkpoints are
chosen by the Fréchet distance of draws.

Ilya Tolstikhin, Olivier Bousquet, Sylvain Gelly, Bernhard Schölkopf. Wasserstein Auto-Encoders. 2018.
https://arxiv.org/abs/1711.01558
"""

from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, cast

import torch
from torch import nn
from torch.optim import Adam, Optimizer

from likeness.costs import Nats, SquaredError
from likeness.data.columns import Columns
from likeness.density.mixed import Mixed
from likeness.density.wae import WAE
from likeness.errors import InputError
from likeness.nn.average import average
from likeness.nn.coding import decoder_for, encoder_for
from likeness.nn.vector import VectorCritic
from likeness.recipes.common import Common, Facts, Model, Range, positive
from likeness.run.learner import Learner

SEARCHED = ("weight", "d_z", "lr", "width")  # by a sweep that is not told what to search


@dataclass(frozen=True)
class Settings(Common):
    """Train a Wasserstein autoencoder."""

    penalty: Literal["mmd", "adversary"] = "mmd"
    """How codes are held to the prior: by a kernel's discrepancy, or by an adversary that tells them apart."""
    weight: Annotated[float | None, Range(0.1, 1000, log=True)] = None
    """Its weight beside the cost of decoding; 40 for images, which is the paper's 10 for pixels in [0, 1], else 10."""
    encoder: Literal["point", "gaussian"] = "point"
    """What a sample is coded as: a point, or a Gaussian of which a point is drawn."""
    d_z: Annotated[int | None, Range(2, 128, log=True)] = None
    """Size of a code; it should not be far above what the data have, or codes cannot fill the prior."""
    width: Annotated[int | None, Range(16, 512, log=True)] = None
    """Channels (images, at half resolution) or units (vectors) of a layer."""
    lr: Annotated[float, Range(1e-4, 1e-2, log=True)] = 1e-3
    """Learning rate of encoder and decoder."""
    lr_critic: Annotated[float, Range(1e-4, 2e-2, log=True)] = 3e-3
    """Learning rate of the adversary, which has to be ahead."""
    ema: Annotated[float, Range(0.9, 0.9999)] = 0.99
    """Share of averaged weights that is kept at each step; 0 uses the last weights."""


def fitting(settings: Settings, facts: Facts) -> Settings:
    """The settings with every open choice made by the data.

    Raises:
        InputError: a number out of its range, or a batch of one sample.
    """
    positive(settings, "steps", "batch_size", "lr", "lr_critic", "d_z", "width", "judge_every")
    if settings.weight is not None and settings.weight < 0:
        raise InputError(f"--weight {settings.weight:g}: give zero or more; zero is an autoencoder")
    image = len(facts.event) == 3
    small = image and facts.event[1] <= 16
    chosen: dict[str, Any] = {
        "weight": 40.0 if image else 10.0,
        "steps": 4000,
        "batch_size": min(128, facts.n_train),
        "d_z": (8 if small else 16) if image else max(2, facts.event[0] // 2),
        "width": 32 if image else 256,
    }
    made = replace(settings, **{k: v for k, v in chosen.items() if getattr(settings, k) is None})
    if (made.batch_size or 0) < 2:
        raise InputError(f"--batch-size {made.batch_size}: codes are compared with the prior by two samples or more")
    return made


def build(settings: Settings, facts: Facts) -> Model:
    """The model, its optimisers and its averaged weights, for settings without open choices."""
    wae = _wae(settings, facts).to(settings.device)
    if settings.shard:
        wae.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]  # what is cut must lie in a row
    groups = [[p for part in parts for p in part.parameters()] for parts in _parts(wae)]
    moves: dict[nn.Module, Optimizer] = {wae.coder: Adam([{"params": group} for group in groups if group], settings.lr)}
    if wae.critic is not None:
        moves[wae.critic] = Adam(wae.critic.parameters(), settings.lr_critic, betas=(0.5, 0.999))
    state, used, after = nn.ModuleDict({"method": wae}), wae, _nothing
    if settings.ema:
        ema = average(wae, settings.ema)
        used, state["average"] = cast(WAE, ema.module), ema

        def after() -> None:
            ema.update(wae)

    learner = Learner(wae, moves, after, state, (wae.coder.E, wae.coder.D))
    return Model(
        learner,
        used.sample,
        decode=used.decode,
        d_z=wae.d_z,
        encode=used.encode,
        reconstruct=used.reconstruct,
        drawn="samples of p(x|z)" if facts.columns else "what is decoded, to which nothing is added",
    )


def _parts(wae: WAE) -> list[list[nn.Module]]:
    """Parameters of the cost in a group apart: they are whole where those of networks are shared out."""
    networks: list[nn.Module] = [wae.coder.E, wae.coder.D]
    return [networks, [wae.coder.cost] if isinstance(wae.coder.cost, nn.Module) else []]


def _nothing() -> None:
    pass


def _wae(settings: Settings, facts: Facts) -> WAE:
    d_z, width, gaussian = settings.d_z or 0, settings.width, settings.encoder == "gaussian"
    return WAE(
        encoder_for(facts.event, 2 * d_z if gaussian else d_z, width=width),
        decoder_for(facts.event, d_z=d_z, width=width),
        Nats(Mixed(Columns.from_state(list(facts.columns)))) if facts.columns else SquaredError(),
        d_z=d_z,
        weight=settings.weight or 0.0,
        critic=VectorCritic(d_z, width=128, depth=3) if settings.penalty == "adversary" else None,
        gaussian=gaussian,
    )
