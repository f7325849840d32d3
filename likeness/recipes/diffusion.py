"""A diffusion model for images, vectors and tables, by class or not, with settings that fit the data.

What is not given is chosen by the data. Images get the U-Net of ADM, a cosine schedule, and the hybrid loss, which
learns the variances too: `likeness sample RUN --steps 25` then draws in few steps. Their likelihood is the variational
bound, of as many steps as a draw has, in bits of the levels that the pixels have. Vectors and tables get a perceptron,
EDM's levels and preconditioning, and an exact density by the differential equation of the flow; that of a table is of
rows with noise of standard deviation 0.1, because categories have none.

Checkpoints are chosen by how well held-out samples are denoised at eight fixed levels: it needs no draws, and it is the
loss that is minimised. With `conditional` a share of the labels is dropped in training, and the network denoises with
and without them: `--scale` above one draws what is typical of a class. Weights are averaged, and draws are theirs.
"""

from dataclasses import dataclass, replace
from math import prod
from typing import Annotated, Any, Literal

import torch
from torch import Tensor, nn
from torch.optim import AdamW

from likeness.diffusion.denoisers import Denoiser, Preconditioned
from likeness.diffusion.diffusion import Diffusion, independent
from likeness.diffusion.flow_matching import optimal_transport
from likeness.diffusion.importance import Importance
from likeness.diffusion.ode_likelihood import log_prob
from likeness.diffusion.schedules import Discrete, karras
from likeness.diffusion.transitions import VARIANCES
from likeness.errors import InputError
from likeness.nn.average import average
from likeness.recipes.common import Common, Facts, Model, Range, positive
from likeness.recipes.denoising import (
    IMAGES,
    LOSSES,
    NETWORKS,
    OWN,
    SCHEDULES,
    VECTORS,
    Preset,
    parameterisation,
    weight,
)
from likeness.recipes.drawing import Drawing, How, default_steps, parts
from likeness.recipes.rules import RULES
from likeness.run.learner import Learner

SEARCHED = ("lr", "width", "ema", "predict")  # by a sweep that is not told what to search
HIGHEST, EXACT = 80.0, 16  # of the differential equation: the level it ends at, dimensions with an exact trace


@dataclass(frozen=True)
class Settings(Common):
    """Train a diffusion model."""

    preset: Literal["toy", "laptop", "gpu"] | None = None
    """Size of network and training: toy for points and images of up to 16 pixels, gpu where there is one, else
    laptop."""
    network: Literal["unet", "dit", "mlp"] | None = None
    """Of images unet if not given, or dit, a transformer of patches; of vectors mlp, a residual perceptron."""
    width: Annotated[int | None, Range(16, 256, log=True)] = None
    """Channels (images, at full resolution; a quarter of a transformer's) or units (vectors) of a layer."""
    patch: int | None = None
    """Side in pixels of the patches that a network works on: 2 of a transformer, and of a U-Net for images of 24 pixels
    and more with the preset laptop, where a step then costs a quarter; else 1."""
    schedule: Literal["linear", "cosine", "edm", "flow"] | None = None
    """Where noise levels lie: cosine for images and edm for vectors if not given."""
    noise_levels: int | None = None
    """How many levels linear and cosine have; a draw may visit fewer."""
    predict: Literal["noise", "x0", "v", "edm", "velocity"] | None = None
    """What the network is asked for; noise, or what belongs to the schedule edm or flow, if not given."""
    loss: Literal["simple", "x0", "v", "velocity", "edm", "min-snr", "hybrid", "vlb"] | None = None
    """Weights of the error at each level; that of what is predicted, or hybrid with learned variances, if not given."""
    variance: Literal["small", "large", "learned"] | None = None
    """Of a random step down, and of the likelihood's bound; learned needs the loss hybrid or vlb."""
    importance: bool = False
    """Visit levels with large losses more often; for the loss vlb."""
    spread: bool = False
    """Spread the levels of a batch evenly over the schedule instead of drawing each by chance."""
    couple: Literal["independent", "optimal-transport"] = "independent"
    """Which noise of a batch a sample gets: any, or the nearest; for straighter paths with the schedule flow."""
    conditional: bool = False
    """Generate by class, where the data have labels."""
    drop: Annotated[float | None, Range(0.05, 0.3)] = None
    """Share of labels that are left out in training, for guidance; 0.1 of a conditional model if not given."""
    scale: float = 1.0
    """Of guidance without a classifier, in draws: 1 is the conditional model, more is more typical of a class."""
    rule: Literal["ddpm", "ddim", "euler", "heun", "dpm++", "predictor-corrector"] | None = None
    """How a draw goes down the levels; ddpm with learned variances, heun with the schedules edm and flow, else ddim."""
    draw_steps: int | None = None
    """Steps of a draw; 50 if not given, 25 of heun."""
    eta: float | None = None
    """Share of noise in the steps of ddim and dpm++; 0 if not given."""
    levels: int | None = None
    """Values that a pixel can have, for the likelihood; as the data have if not given."""
    data_std: float | None = None
    """Standard deviation of the data, for edm; 0.5 for images and 1 for vectors if not given."""
    lr: Annotated[float | None, Range(1e-4, 1e-2, log=True)] = None
    """Learning rate."""
    lr_decay: Annotated[float, Range(0, 1)] = 0.0
    """Share of the training, at its end, over which the learning rate falls to zero; the last part of it needs few
    steps and takes much noise out of the weights."""
    weight_decay: float = 0.0
    """Of AdamW."""
    ema: Annotated[float | None, Range(0.9, 0.9999)] = None
    """Share of the averaged weights that is kept at each step; 0 uses the last weights."""


def fitting(settings: Settings, facts: Facts) -> Settings:
    """The settings with every open choice made by the data.

    Raises:
        InputError: a number out of its range, or settings that do not go together or do not suit the data.
    """
    positive(
        settings, "steps", "batch_size", "width", "patch", "noise_levels", "draw_steps", "lr", "judge_every", "data_std"
    )
    if not 0 <= settings.lr_decay <= 1:
        raise InputError(f"--lr-decay {settings.lr_decay:g} is a share of the training: give 0 to 1")
    image = len(facts.event) == 3
    _suits(settings, facts, image)
    preset = settings.preset or _size(settings, facts)
    size = (IMAGES if image else VECTORS)[preset]
    schedule = settings.schedule or ("cosine" if image else "edm")
    discrete = schedule in ("linear", "cosine")
    predict = settings.predict or {"edm": "edm", "flow": "velocity"}.get(schedule, "noise")
    learned = settings.variance == "learned" or (settings.variance is None and settings.loss in ("hybrid", "vlb"))
    learned = learned or (image and discrete and (settings.loss, settings.variance) == (None, None))
    rule = settings.rule or ("ddpm" if learned else "ddim" if discrete else "heun")
    T = settings.noise_levels or size.T
    most = 50 if preset != "gpu" else 250
    chosen: dict[str, Any] = {
        "preset": preset,
        "network": "unet" if image else "mlp",
        "width": size.width,
        "patch": 2 if image and (settings.network == "dit" or (preset == "laptop" and _wide(facts))) else 1,
        "schedule": schedule,
        "noise_levels": T if discrete else None,
        "predict": predict,
        "loss": "hybrid" if learned else OWN[predict],
        "variance": "learned" if learned else "small",
        "drop": 0.1 if settings.conditional else 0.0,
        "rule": rule,
        "draw_steps": default_steps(rule, min(most, T) if discrete else most),
        "levels": facts.levels if image else None,
        "data_std": 0.5 if image else 1.0,
        "steps": size.steps,
        "batch_size": min(size.batch_size, facts.n_train),
        "lr": size.lr,
        "ema": size.ema,
    }
    made = replace(settings, **{k: v for k, v in chosen.items() if getattr(settings, k) is None})
    _agree(made)
    return made


def build(settings: Settings, facts: Facts) -> Model:
    """The model, its optimiser and its averaged weights, for settings without open choices."""
    D = _denoiser(settings, facts).to(settings.device)
    if settings.shard:
        D.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]  # what is cut must lie in a row
    method, ema = _method(D, settings, facts), average(D, settings.ema or 0.0)
    used = _method(ema.module, settings, facts)  # type: ignore[arg-type]  # the module is a copy of D
    state = nn.ModuleDict({"method": method, "average": ema})
    fused = torch.device(settings.device).type == "cpu" or None
    optimiser = AdamW(D.parameters(), settings.lr or 0.0, weight_decay=settings.weight_decay, fused=fused)

    def after() -> None:
        ema.update(D)
        if settings.lr_decay:
            for group in optimiser.param_groups:
                group["lr"] = falling(method.iteration, settings)

    drawing = Drawing(used, how(settings))
    return Model(
        Learner(method, optimiser, after, state, (D.F,)),
        drawing,
        log_prob=used.log_prob,
        log_prob_kind=used.log_prob_kind,
        levels=used.levels,
        score=("denoising loss", used.cost),
        drawing=drawing,
        walks=True,
    )


def falling(iteration: int, settings: Settings) -> float:
    """The learning rate of the step after so many; a run that goes on finds it from its count."""
    left = (settings.steps or 1) - iteration
    return (settings.lr or 0.0) * min(1.0, max(0.0, left / (settings.lr_decay * (settings.steps or 1))))


def how(settings: Settings) -> How:
    """The draws that settings ask for."""
    s = settings
    return How(s.rule or "ddim", s.draw_steps or 1, s.eta, s.scale, s.variance or "small")


def _wide(facts: Facts) -> bool:
    return facts.event[1] >= 24 and facts.event[1] % 4 == 0


def _size(settings: Settings, facts: Facts) -> str:
    if len(facts.event) == 1 or facts.event[1] <= 16:
        return "toy"
    return "gpu" if torch.device(settings.device).type == "cuda" else "laptop"


def _suits(settings: Settings, facts: Facts, image: bool) -> None:
    if settings.conditional and not facts.classes:
        raise InputError("--conditional needs labels and the data have none: use class subfolders, y, or --label")
    if settings.drop and not settings.conditional:
        raise InputError(f"--drop {settings.drop:g} is of the labels of a --conditional model: leave it out")
    if settings.scale != 1 and (not settings.conditional or settings.drop == 0):
        raise InputError(
            f"--scale {settings.scale:g} guides by labels of which some were dropped: give --conditional and --drop 0.1"
        )
    wrong = {"unet": not image, "dit": not image, "mlp": image}.get(settings.network or "", False)
    if wrong:
        raise InputError(f"--network {settings.network} is not for {facts.kind}: use {'unet' if image else 'mlp'}")
    if settings.levels is not None and (not image or settings.levels < 2):
        raise InputError(f"--levels {settings.levels}: the pixels of an image have two values or more; leave it out")


def _agree(s: Settings) -> None:
    """Raises InputError for choices of which one needs another."""
    discrete = s.schedule in ("linear", "cosine")
    if s.noise_levels is not None and not discrete:
        raise InputError(f"--noise-levels {s.noise_levels} are of linear and cosine; {s.schedule} has no such number")
    if s.loss in ("hybrid", "vlb") and not discrete:
        raise InputError(f"--loss {s.loss} has a term for each discrete level: use --schedule linear or cosine")
    if s.variance == "learned" and s.loss not in ("hybrid", "vlb"):
        raise InputError(f"--variance learned is learned by the loss hybrid or vlb, not by {s.loss}: leave one out")
    if s.loss == "hybrid" and s.variance != "learned":
        raise InputError(f"--loss hybrid learns the variances and they are {s.variance}: use --loss simple")
    steps, T = s.draw_steps or 1, s.noise_levels or 0
    if discrete and steps > T:
        raise InputError(f"--draw-steps {steps} of {T} noise levels: take at most {T}, or train with more")
    if s.eta is not None and "eta" not in RULES[s.rule or ""].options:
        raise InputError(f"--eta {s.eta:g} is of the rules ddim and dpm++, not of {s.rule}: leave it out")


def _preset(settings: Settings, facts: Facts) -> Preset:
    return (IMAGES if len(facts.event) == 3 else VECTORS)[settings.preset or "toy"]


def _denoiser(settings: Settings, facts: Facts) -> Preconditioned:
    learned, row = settings.variance == "learned", parameterisation(settings.predict or "", settings.data_std or 1.0)
    classes = len(facts.classes) + bool(settings.drop) if settings.conditional else 0
    F = NETWORKS[settings.network or "mlp"](
        facts.event,
        _preset(settings, facts),
        settings.width,
        outputs=1 + learned,
        classes=classes,
        patch=settings.patch or 1,
    )
    told = SCHEDULES[settings.schedule or ""](settings.noise_levels or 0).told
    return Preconditioned(F, row, told, learned=learned)


def _method(D: Preconditioned, settings: Settings, facts: Facts) -> Diffusion:
    schedule = SCHEDULES[settings.schedule or ""](settings.noise_levels or 0)
    image, loss = len(facts.event) == 3, settings.loss or ""
    bounded = image and isinstance(schedule, Discrete)
    rule, sigmas = parts(how(settings), schedule)
    return Diffusion(
        D,
        schedule,
        facts.event,
        rule=rule,
        sigmas=sigmas,
        weight=weight(loss, settings.data_std or 1.0),
        bound=LOSSES[loss].bound,
        variance=VARIANCES[settings.variance or "small"],
        couple=optimal_transport if settings.couple == "optimal-transport" else independent,
        importance=Importance(settings.noise_levels or 100) if settings.importance else None,
        spread=settings.spread,
        labels=torch.tensor(facts.label_counts) if settings.conditional else None,
        drop=settings.drop or 0.0,
        clip=image,
        levels=settings.levels if bounded else None,
        density=None if bounded else _density(facts),
    )


def _density(facts: Facts) -> Any:
    """The density by the flow, of data with a little noise: of a table's rows as much as categories need.

    Few steps and one probe for images, whose dimensions are many and their networks slow.
    """
    d, lowest, image = prod(facts.event), 0.1 if facts.kind == "table" else 0.01, len(facts.event) == 3
    sigmas, probes = karras(18 if image else 64, lowest, HIGHEST), 1 if image else None if d <= EXACT else 8

    def density(D: Denoiser, x: Tensor) -> Tensor:
        return log_prob(D, x, sigmas, probes=probes, generator=0)

    return density
