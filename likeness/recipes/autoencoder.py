"""An autoencoder of vectors, tables, images and sequences, with a density of its codes to draw from.

What is not given is chosen by the data. Images go through convolutions to a code of feature maps, others through a
perceptron; `lstm` reads vectors as sequences of numbers and images row by row. Numbers cost their squared error; the
columns of a table each cost nats of their own kind (`likeness.density.mixed`), because a squared error of one-hot
entries weighs a category by how many values it has. The learning rate falls to zero by a cosine, without which a code
keeps shaking. Checkpoints are chosen by the error on validation samples, nothing corrupted.

Draws come from a mixture of Gaussians on the codes of training samples (`likeness.represent.ex_post`), fitted anew for
each checkpoint that is judged.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from math import prod
from typing import Annotated, Any, Literal

import torch
from torch import nn
from torch.optim import Adam

from likeness.costs import Nats
from likeness.data.columns import Columns
from likeness.data.corruptions import Corruption, gaussian, masking, salt_and_pepper
from likeness.density.mixed import Mixed
from likeness.density.mixture import Mixture
from likeness.errors import InputError
from likeness.findings import Finding
from likeness.nn.recurrent import LSTMDecoder, LSTMEncoder, steps_of
from likeness.nn.spatial import SpatialDecoder, SpatialEncoder, latent_shape
from likeness.nn.vector import MLP
from likeness.recipes.common import Common, Facts, Model, Range, positive
from likeness.represent.autoencoder import Autoencoder
from likeness.represent.ex_post import ExPost
from likeness.represent.penalties import Penalty, active, contracting, sparse
from likeness.run.learner import Learner

SEARCHED = ("d_z", "lr", "width", "noise")  # by a sweep that is not told what to search
MAPS = 4  # feature maps for each channel of an image


@dataclass(frozen=True)
class Settings(Common):
    """Train an autoencoder."""

    network: Literal["linear", "dense", "convolutional", "lstm"] | None = None
    """linear (principal components, learned), dense (perceptrons), convolutional (images; the code is a stack of
    feature maps), lstm (sequences: vectors number by number, images row by row); by the data if not given."""
    d_z: Annotated[int | None, Range(2, 128, log=True)] = None
    """Numbers in a code: of feature maps, all of them."""
    noise: Literal["none", "gaussian", "masking", "salt-and-pepper"] = "none"
    """What is done to the samples that the encoder sees in training, to be undone: a denoising autoencoder."""
    level: Annotated[float | None, Range(0.05, 0.8)] = None
    """How much: the standard deviation of gaussian noise in units of the data (images lie in [-1, 1]), else the share
    of entries that are hit; 0.5 and 0.25 if not given."""
    sparse: float = 0.0
    """Weight of the sum of absolute values of a code."""
    activity: float = 0.0
    """Weight of the divergence of each unit's activity from one in twenty samples."""
    contractive: float = 0.0
    """Weight of the squared slopes of the code."""
    reverse: bool = False
    """Let the decoder of lstm write the last step first."""
    width: Annotated[int | None, Range(16, 512, log=True)] = None
    """Units of a layer (of lstm, as many as the code has if not given), or channels of images at half resolution."""
    lr: Annotated[float, Range(1e-4, 1e-2, log=True)] = 2e-3
    """Learning rate of the first step; it falls to zero by a cosine."""


def fitting(settings: Settings, facts: Facts) -> Settings:
    """The settings with every open choice made by the data.

    Raises:
        InputError: a number out of its range, or a network or noise that is not for such data.
    """
    positive(settings, "steps", "batch_size", "lr", "d_z", "width", "judge_every")
    image = len(facts.event) == 3
    settings = replace(settings, network=settings.network or ("convolutional" if image else "dense"))
    _check(settings, facts)
    small = image and facts.event[1] <= 16
    steps, width = settings.steps or 4000, {"convolutional": 32, "lstm": None}.get(settings.network or "", 256)
    chosen: dict[str, Any] = {
        "steps": steps,
        "batch_size": min(128, facts.n_train),
        "d_z": _code(settings, facts) if settings.network == "convolutional" or not image else 16 if small else 32,
        "width": width,
        "level": 0.0 if settings.noise == "none" else 0.5 if settings.noise == "gaussian" else 0.25,
    }
    settings = replace(settings, **{k: v for k, v in chosen.items() if getattr(settings, k) is None})
    if settings.judge_every is not None and settings.judge_every > steps:
        raise InputError(
            f"--judge-every {settings.judge_every} of {steps} steps: no checkpoint would be judged; lower it"
        )
    _corrupt(settings, facts), _penalties(settings)
    return settings


def _check(s: Settings, facts: Facts) -> None:
    image = len(facts.event) == 3
    if s.network == "convolutional":
        if not image:
            raise InputError(f"--network convolutional is for images and these are {facts.kind}: use dense or lstm")
        _, a, b = latent_shape(facts.event, 1)
        if s.d_z is not None and s.d_z % (a * b):
            near = max(1, round(s.d_z / (a * b))) * a * b
            raise InputError(f"--d-z {s.d_z} for feature maps of {a}×{b}: give a multiple of {a * b}, such as {near}")
    if s.network == "lstm":
        if facts.kind == "table":
            raise InputError("--network lstm is for sequences and the columns of a table have no order: use dense")
        steps_of(facts.event)
    elif s.reverse:
        raise InputError(f"--reverse is of --network lstm, not {s.network}: leave it out")
    if s.noise == "none" and s.level:
        raise InputError(f"--level {s.level:g} of no noise: give --noise gaussian, masking or salt-and-pepper")
    if s.noise == "salt-and-pepper" and not image:
        raise InputError(f"--noise salt-and-pepper is for images and these are {facts.kind}: use gaussian or masking")
    if s.contractive and s.network == "lstm":
        raise InputError("--contractive differentiates twice, which --network lstm cannot everywhere: use --noise")


def _code(s: Settings, facts: Facts) -> int:
    """How many numbers a code has where nobody says."""
    if s.network == "convolutional":
        return prod(latent_shape(facts.event, MAPS * facts.event[0]))
    return 16 if s.network == "lstm" else max(1, min(32, facts.event[0] // 2))


def build(settings: Settings, facts: Facts) -> Model:
    """The networks, their optimiser and the density of codes, for settings without open choices."""
    s = settings
    latent = _latent(s, facts)
    ae = Autoencoder(
        *_networks(s, facts),
        latent=latent,
        cost=Nats(Mixed(Columns.from_state(list(facts.columns)))) if facts.columns else None,
        corrupt=_corrupt(s, facts),
        penalties=_penalties(s),
    ).to(s.device)
    if s.shard:
        ae.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]  # what is cut must lie in a row
    components = (1, 2, 5, 10) if ae.d_z <= 32 else (1,)  # of more numbers, few samples make one covariance
    density = ExPost(ae, Mixture(ae.d_z, components, seed=s.seed)).to(s.device)
    optimiser = _optimiser(ae, s)
    state = nn.ModuleDict({"method": ae, "density": density})
    once = () if s.contractive else (ae.E, ae.D)
    return Model(
        Learner(ae, optimiser, partial(_cool, ae, optimiser, s.lr, s.steps or 1), state, once),
        density.sample,
        watch=Wide(ae.d_z, prod(facts.event), s.noise != "none" or bool(ae.penalties)),
        score=("error", ae.error),
        encode=ae.encode,
        reconstruct=ae.reconstruct,
        settle=density.fit,
    )


class Wide:
    """Tells of a code that is as wide as the sample, with nothing to keep it from being the sample."""

    def __init__(self, d_z: int, d: int, kept: bool) -> None:
        self.d_z, self.d, self.kept = d_z, d, kept

    def __call__(self, terms: dict[str, float]) -> list[Finding]:
        if self.kept or self.d_z < self.d:
            return []
        saw = f"The code has {self.d_z} numbers and a sample {self.d}, so the identity can be learned."
        return [Finding("wide-code", saw, "Lower --d-z, or add --noise, --sparse or --contractive.")]

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """There is none."""


def _latent(s: Settings, facts: Facts) -> tuple[int, ...]:
    d_z = s.d_z or 1
    if s.network != "convolutional":
        return (d_z,)
    _, a, b = latent_shape(facts.event, 1)
    return d_z // (a * b), a, b


def _networks(s: Settings, facts: Facts) -> tuple[nn.Module, nn.Module]:
    event, d_z, width = facts.event, s.d_z or 1, s.width or 256
    if s.network == "convolutional":
        maps = _latent(s, facts)[0]
        return SpatialEncoder(event, maps, width=width), SpatialDecoder(event, maps, width=width)
    if s.network == "lstm":
        return (
            LSTMEncoder(event, d_z, width=s.width),
            LSTMDecoder(event, d_z, width=s.width, reverse=s.reverse),
        )
    d = prod(event)
    if s.network == "linear":
        E, D = nn.Linear(d, d_z), nn.Linear(d_z, d)
    else:
        E, D = MLP(d, d_z, width=width), MLP(d_z, d, width=width)  # type: ignore[assignment]
    return (E, D) if len(event) == 1 else (nn.Sequential(nn.Flatten(), E), nn.Sequential(D, nn.Unflatten(1, event)))


def _corrupt(s: Settings, facts: Facts) -> Corruption | None:
    level = s.level or 0.0
    match s.noise:
        case "gaussian":
            return gaussian(level)
        case "masking":
            return masking(level, -1.0 if len(facts.event) == 3 else 0.0)
        case "salt-and-pepper":
            return salt_and_pepper(level)
    return None


def _penalties(s: Settings) -> tuple[Penalty, ...]:
    made = sparse(s.sparse), active(s.activity), contracting(s.contractive)
    return tuple(penalty for penalty in made if penalty.weight)


def _optimiser(ae: Autoencoder, s: Settings) -> Adam:
    """The cost's own parameters in a group apart: they are whole where those of networks are shared out."""
    own = {id(p) for network in (ae.E, ae.D) for p in network.parameters()}
    groups = [[p for p in ae.parameters() if (id(p) in own) is there] for there in (True, False)]
    return Adam([{"params": group} for group in groups if group], s.lr)


def _cool(ae: Autoencoder, optimiser: Adam, lr: float, steps: int) -> None:
    """The rate of the next step, a function of how many there were."""
    for group in optimiser.param_groups:
        group["lr"] = lr * (1 + math.cos(math.pi * min(1.0, ae.iteration / steps))) / 2
