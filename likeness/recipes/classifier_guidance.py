"""Classes from a diffusion run that knows none, or not well enough, by a classifier of noisy samples.

The classifier learns from the same data at the noise levels that the run learned, and its gradient steers the run's
draws: `likeness train diffusion --data digits --out runs/d`, then `likeness train classifier-guidance --data digits
--model runs/d`. The run itself stays as it is, and has to stay where it is. A step of the rule ddpm is moved by its
variance times the gradient, every other rule's denoiser by σ² times; above the level `highest` nothing can be seen of
a class, and there is no guidance. The report shows what each scale gives: sharper guidance draws more samples that are
of their class, and fewer kinds of them.

Learning rate and weight decay are those of the paper for longer trainings, which it lets fall to zero; here the rate
stays.

Prafulla Dhariwal, Alex Nichol. Diffusion Models Beat GANs on Image Synthesis. 2021. https://arxiv.org/abs/2105.05233
"""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from torch import Tensor, nn
from torch.optim import AdamW

from likeness.data.batching import whole
from likeness.data.dataset import Dataset
from likeness.diffusion.classifier_guidance import HIGHEST, NoisyClassifier, guiding
from likeness.diffusion.diffusion import Diffusion
from likeness.diffusion.guidance_scales import class_accuracy, swept
from likeness.diffusion.sampler import Diffused
from likeness.errors import InputError
from likeness.judge.features import FeatureSpace, features_of
from likeness.judge.frechet import frechet_distance
from likeness.judge.neighbours import prdc
from likeness.nn.adm_encoder import Encoder
from likeness.nn.adm_unet import Plan
from likeness.nn.time_mlp import TimeMLP
from likeness.recipes.common import Common, Facts, Model, Range, positive
from likeness.recipes.drawing import Drawing, How, default_steps, parts
from likeness.recipes.pipeline import reopen
from likeness.run.folder import open_run
from likeness.run.learner import Learner

SEARCHED = ("scale", "lr", "width")  # by a sweep that is not told what to search
DRAWN, LARGEST = 500, 2000  # draws at each scale of the report's table; samples that they are held against
SEEN = (0.02, 0.25, 0.5, 0.75, 0.98)  # quantiles of the levels, whose accuracy the report shows


@dataclass(frozen=True)
class Settings(Common):
    """Train a classifier of noisy samples that guides a diffusion run."""

    model: str | None = None
    """Folder of the diffusion run to guide; of the same data."""
    scale: Annotated[float | None, Range(0.5, 10, log=True)] = None
    """Of guidance in draws: 0 is the run as it is, 1 Bayes' rule, more is more typical of a class; 2 for images, whose
    classifiers are less sure than they should be, and 1 for vectors if not given."""
    highest: float = HIGHEST
    """Guide at noise levels (standard deviations, beside data that are not scaled) up to this one."""
    rule: Literal["ddpm", "ddim", "euler", "heun", "dpm++", "predictor-corrector"] | None = None
    """How a draw goes down the levels; as the run does if not given."""
    draw_steps: int | None = None
    """Steps of a draw; as the run takes if not given."""
    eta: float | None = None
    """Share of noise in the steps of ddim and dpm++; as the run has it if not given."""
    width: Annotated[int | None, Range(16, 256, log=True)] = None
    """Channels (images, at full resolution) or units (vectors) of a layer."""
    lr: Annotated[float, Range(1e-4, 1e-2, log=True)] = 1e-3
    """Learning rate."""
    weight_decay: float = 0.05
    """Of AdamW."""


def fitting(settings: Settings, facts: Facts) -> Settings:
    """The settings with every open choice made by the data and by the run.

    Raises:
        InputError: a number out of its range, data without labels, or no diffusion run of such data.
    """
    positive(settings, "steps", "batch_size", "width", "draw_steps", "lr", "judge_every", "highest")
    if settings.scale is not None and settings.scale < 0:
        raise InputError(f"--scale {settings.scale:g}: give zero (no guidance) or more")
    if not facts.classes:
        raise InputError("guidance by class needs labels and the data have none: use class subfolders, y, or --label")
    guided, how = _guided(settings, facts)
    image = len(facts.event) == 3
    steps = settings.steps or (600 if image and facts.event[1] <= 16 else 2000)
    rule = settings.rule or how.rule
    chosen: dict[str, Any] = {
        "scale": 2.0 if image else 1.0,
        "rule": rule,
        "draw_steps": how.steps if rule == how.rule else default_steps(rule, how.steps),
        "eta": how.eta if rule == how.rule else None,
        "steps": steps,
        "batch_size": min(128, facts.n_train),
        "width": 32 if image else 128,
        "judge_every": max(1, steps // 2),  # a judgement draws
    }
    made = replace(settings, **{k: v for k, v in chosen.items() if getattr(settings, k) is None})
    return replace(made, model=str(guided.resolve()))


def build(settings: Settings, facts: Facts) -> Model:
    """The classifier, its optimiser, and the guided draws, for settings without open choices."""
    drawing: Drawing = reopen(Path(settings.model or ""), device=settings.device).model.drawing
    run = drawing.method
    F = _network(facts, settings)
    classifier = NoisyClassifier(F, run.schedule, classes=len(facts.classes), c_in=run.D.parameterisation.c_in).to(
        settings.device
    )
    if settings.shard:
        classifier.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]  # to be cut into rows
    fused = torch.device(settings.device).type == "cpu" or None
    optimiser = AdamW(classifier.parameters(), settings.lr, weight_decay=settings.weight_decay, fused=fused)
    s, its = settings, drawing.how
    how = How(s.rule or its.rule, s.draw_steps or its.steps, s.eta, 1.0 if s.scale is None else s.scale, its.variance)
    counts = torch.tensor(facts.label_counts)
    make = partial(steered, classifier=classifier, counts=counts, highest=settings.highest)
    sampler = Drawing(run, how, make, classes=classifier.classes)
    return Model(
        Learner(classifier, optimiser, _nothing, nn.ModuleDict({"method": classifier}), (F,)),
        sampler,
        drawn="guided to classes",
        drawing=sampler,
        walks=True,
        tables=partial(_tables, sampler, classifier),
    )


def steered(method: Diffusion, how: How, *, classifier: NoisyClassifier, counts: Tensor, highest: float) -> Diffused:
    """The draws of a diffusion model, steered by a classifier up to a level of noise."""
    rule, sigmas = parts(how, method.schedule)
    labelled = method.frequencies is not None
    return guiding(
        lambda y: method.denoiser(y if labelled else None),
        classifier.log_class,
        rule,
        sigmas,
        method.event,
        frequencies=counts,
        scale=how.scale,
        interval=(0.0, highest),
        device=next(method.D.parameters()).device,
    )


def _guided(settings: Settings, facts: Facts) -> tuple[Path, How]:
    """The run to guide and how it draws."""
    if settings.model is None:
        raise InputError("classifier guidance steers a run: train diffusion first, and give --model FOLDER of it")
    run = open_run(Path(settings.model))
    if run.recipe != "diffusion":
        raise InputError(f"--model {settings.model} is a run of {run.recipe}: give one of diffusion")
    its = Facts.restored(run.facts)
    if (its.event, its.classes, its.columns) != (facts.event, facts.classes, facts.columns):
        raise InputError(f"--model {settings.model} learned other data than {settings.data}: give the same, read alike")
    from likeness.recipes import diffusion
    from likeness.recipes.pipeline import settings_of

    return run.folder, diffusion.how(settings_of(run))  # type: ignore[arg-type]


def _nothing() -> None:
    pass


def _tables(
    sampler: Drawing, classifier: NoisyClassifier, data: Dataset, space: FeatureSpace
) -> dict[str, list[dict[str, Any]]]:
    """How well classes are seen through noise, and what each scale of guidance draws."""
    device = next(classifier.parameters()).device
    held = whole(data.validation, LARGEST)
    assert held.y is not None
    sigmas = sampler.method.schedule.trained(torch.tensor(SEEN))
    accuracy = classifier.accuracy(held.x.to(device), held.y.to(device), sigmas)
    seen = [{"noise level": float(s), "accuracy": float(a)} for s, a in zip(sigmas, accuracy, strict=True)]
    reference = features_of(space, whole(data.test, LARGEST).x, device=device).cpu()
    rows = []
    for scale, x, y in swept(lambda scale: sampler.changed(scale=scale), classifier.classes, DRAWN):
        f = features_of(space, x, device=device).cpu()
        near = prdc(reference, f)
        right = {} if space.probabilities is None else {"of their class": class_accuracy(space, x, y)}
        rows.append(
            {"scale": scale, **right, "Fréchet distance": float(frechet_distance(f, reference))}
            | {name: near[name] for name in ("precision", "recall")}
        )
    return {"The classifier, on held-out samples with noise": seen, "The scale of guidance": rows}


def _network(facts: Facts, settings: Settings) -> nn.Module:
    """A perceptron for vectors; for images the encoder of a U-Net, of as many levels as leave four pixels or more."""
    event, classes, width = facts.event, len(facts.classes), settings.width or 0
    if len(event) == 1:
        return TimeMLP(event[0], size=classes, width=width)
    multipliers: tuple[int, ...] = (1, 2, 2)
    while len(multipliers) > 1 and event[1] < 4 * 2 ** (len(multipliers) - 1):
        multipliers = multipliers[:-1]
    attention = {event[1] // 2**k for k in (1, 2)}
    plan = Plan(width, multipliers, 1, attention, head_channels=min(64, width))
    return Encoder(event, classes, plan=plan)
