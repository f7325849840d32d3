"""Everything that can be looked at in a run, one part after the other; what a run has no model for is left out."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from likeness.bits import binarised
from likeness.core import train
from likeness.data.batching import batches, whole
from likeness.data.dataset import Dataset
from likeness.density.vae import VAE
from likeness.doctor import bound, codes, draws, loss, sigmas
from likeness.doctor.part import Part
from likeness.errors import InputError
from likeness.findings import Finding
from likeness.judge.features import FeatureSpace
from likeness.judge.likelihood import Density, nats_of
from likeness.recipes.common import recipe
from likeness.recipes.pipeline import Session
from likeness.run.track import records

LARGEST, MANY = 1000, 5000  # samples looked at with networks; samples that copies are looked for among
KEPT = 5  # findings of the training that are told again, the last ones


class Real(NamedTuple):
    """Samples that were learned from, that checkpoints were chosen by, and that nothing has seen; their labels."""

    train: Tensor
    validation: Tensor
    test: Tensor
    labels: tuple[Tensor | None, Tensor | None, Tensor | None]

    @classmethod
    def of(cls, data: Dataset) -> "Real":
        a, b, c = (whole(split, LARGEST) for split in (data.train, data.validation, data.test))
        return cls(a.x, b.x, c.x, (a.y, b.y, c.y))


def examined(
    session: Session, data: Dataset, space: FeatureSpace, *, chains: bool = False
) -> Iterator[tuple[str, Callable[[], Part]]]:
    """What is looked at, by name, with what looks at it."""
    model, real, s = session.model, Real.of(data), session.settings
    vae = model.vae if isinstance(model.vae, VAE) else None
    if vae is not None:
        yield from _of_vae(vae, session, real, space, chains)
    elif model.log_prob is not None:
        yield "over-fitting", partial(_over_fitting, session, real)
    if isinstance(model.vae, codes.Levelled):
        yield "levels", partial(_levels, session, model.vae, real)
    samplers = {"draw": model.sampler}
    if vae is not None:
        samplers = {"sample": partial(vae.sample, mean=False), "mean": partial(vae.sample, mean=True)}
    many = whole(data.train, MANY).x
    seed, device = s.seed, s.device
    yield "draws", lambda: draws.side_by_side(samplers, real.test, many, space, seed=seed, device=device)
    if real.test.ndim == 4:
        yield "blur", partial(_blur, session, vae, real, samplers)
    yield "training", partial(_training, session)


def _of_vae(
    vae: VAE, session: Session, real: Real, space: FeatureSpace, chains: bool
) -> Iterator[tuple[str, Callable[[], Part]]]:
    s, settings = session.settings, session.run.settings
    _, chosen_y, test_y = real.labels
    yield "loss", lambda: loss.of_run(vae, float(settings.get("beta", 1.0)), real.train)
    x = bound.seen_by(vae, real.validation)
    q = codes.posterior_of(vae, x, chosen_y)
    sigma, largest = loss.own_sigma(vae, real.train), None
    if sigma is not None:
        sigma, largest = sigma * float(settings.get("beta", 1.0)) ** 0.5, float(loss.largest_variance(real.train))
    yield "codes", lambda: codes.codes(q, sigma=sigma, largest=largest)
    yield "hole", lambda: codes.hole(vae, q, chosen_y, real.test, space, seed=s.seed, device=s.device)
    yield "over-fitting", lambda: _elbo_gap(vae, real)
    seen = bound.seen_by(vae, real.test)
    yield "inference", lambda: bound.inference(vae, seen, test_y, chains=chains)


def _levels(session: Session, model: codes.Levelled, real: Real) -> Part:
    x = binarised(real.test) if session.model.levels == 2 else real.test
    y = real.labels[2] if session.run.settings.get("conditional") else None
    device = session.settings.device
    return codes.levels(model.levels_kl(x.to(device), None if y is None else y.to(device)).cpu())


def _elbo_gap(vae: VAE, real: Real) -> Part:
    labels = {id(real.train): real.labels[0], id(real.test): real.labels[2]}

    def nats(x: Tensor) -> Tensor:
        return bound.elbo(vae, bound.seen_by(vae, x), labels[id(x)])

    return bound.over_fitting(nats, real.train, real.test, "ELBO")


def _over_fitting(session: Session, real: Real) -> Part:
    model = session.model
    assert model.log_prob is not None
    density = Density(model.log_prob, model.log_prob_kind, model.levels)
    nats = partial(nats_of, density, device=session.settings.device)
    return bound.over_fitting(nats, real.train, real.test, f"log-likelihood ({model.log_prob_kind})")


def _blur(session: Session, vae: VAE | None, real: Real, samplers: dict[str, Any]) -> Part:
    n, seed = min(500, len(real.test)), session.settings.seed
    images = {f"{name}s from the prior": draws.drawn(sampler, n, seed) for name, sampler in samplers.items()}
    if session.model.reconstruct is not None:
        x = real.test[:n] if vae is None else bound.seen_by(vae, real.test[:n])
        with torch.no_grad():
            images["reconstructions"] = session.model.reconstruct(x.to(session.settings.device)).cpu()
    return draws.blur(images, real.test)


def _training(session: Session) -> Part:
    found = {(r["code"], r["saw"]): r for r in records(session.run.folder, "finding")}
    told = [Finding(r["code"], r["saw"], r["remedy"]) for r in list(found.values())[-KEPT:]]
    words = [] if told else ["The monitors found nothing in the course of the training."]
    return Part("training", "While training", words, findings=told)


def sweep(
    session: Session, data: Dataset, space: FeatureSpace, *, points: int, steps: int, tell: Callable[[int, str], object]
) -> Part:
    """Short copies of a VAE's training over σ, or over β where its likelihood has none; a picture in the run's folder.

    Raises:
        InputError: the run is no VAE, or there are fewer than two points.
    """
    s: Any = session.settings
    if session.run.recipe != "vae" or not isinstance(session.model.vae, VAE):
        raise InputError(f"--sweep trains VAEs, and {session.run.folder} is a {session.run.recipe}: leave it out")
    if points < 2 or steps < 1:
        raise InputError(f"--points {points}, --sweep-steps {steps}: give two points or more, of one step or more")
    real = Real.of(data)
    gaussian = s.likelihood == "gaussian"
    name, values = ("β", sigmas.grid(16.0, 0.1, points))
    if gaussian:
        edge = float(loss.largest_variance(real.train)) ** 0.5
        name, values = ("σ", sigmas.grid(1.2 * edge, 0.04 * edge, points))
    found = []
    trained = partial(_copy, session, data, steps, "sigma" if gaussian else "beta")
    for point in sigmas.swept(values, trained, real.test, real.labels[2], space, device=s.device, seed=s.seed):
        found.append(point)
        tell(len(found), f"{name} = {point.value:.3g}")
    note = f"{data.name}: {points} models of {steps} steps each, {len(real.test)} unseen samples"
    sigmas.picture(found, session.run.folder / "sweep.png", name=name, note=note)
    return sigmas.part(found, "sweep.png", steps=steps, name=name)


def _copy(session: Session, data: Dataset, steps: int, setting: str, value: float) -> VAE:
    """The run's recipe with another value, trained for so many steps in memory."""
    s, facts = session.settings, session.facts
    made = recipe(session.run.recipe)
    changed: dict[str, Any] = {setting: value, "steps": steps, "warmup": None}
    settings = made.fitting(replace(s, **changed), facts)
    torch.manual_seed(s.seed)
    model = made.build(settings, facts)
    learner = model.learner
    for _ in train(learner.method, batches(data.train, settings.batch_size, seed=s.seed, steps=steps, device=s.device),
                   learner.optimisers):  # fmt: skip
        learner.after()
    return model.vae
