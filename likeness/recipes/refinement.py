"""Refining what a recipe trained, or samples on file: which method, by whose judgement, as a person asks for it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from torch import Tensor, nn

from likeness.errors import InputError, unknown
from likeness.nn.ngrams import NgramFeatures
from likeness.nn.vector import VectorCritic
from likeness.recipes.pipeline import Session
from likeness.refine import (
    DensityRatio,
    Projected,
    Report,
    fit_ratio,
    keep_training,
    latent_langevin,
    metropolis_hastings,
    rejection,
    resampling,
)
from likeness.sampling import Rows, Sampler, draw

ONCE = 4000  # drawn once, for a ratio to learn from where each takes many steps: texts, one a token; walks
FEW = 4.0  # proposals a draw that one can afford, where each is a walk

Method = Literal["rejection", "metropolis", "resampling", "langevin"]
Source = Literal["auto", "keep-training", "project", "fit", "own"]
Say = Callable[[int, int, str], object]  # pieces done, of how many, what comes next


class Refined(Sampler, Protocol):
    """A sampler that can say what it did."""

    def report(self) -> Report: ...


@dataclass(frozen=True)
class Refinement:
    """How draws are refined: by which method, and by whose judgement."""

    method: Method = "rejection"
    """rejection keeps some of the draws (DRS), metropolis and langevin run chains, resampling picks from pools."""
    ratio: Source = "auto"
    """Whose judgement: the model's critic trained on (keep-training) or as it is (own); a classifier fitted afresh to
    samples (fit) or to their principal components (project); auto: project for images, else the critic trained on."""
    budget: float | None = None
    """Proposals a draw one can afford; the least distortion that yields the draws (if nothing else is given, 100 for
    vectors and 10 for images, whose proposals cost more, and 4 where each is a walk of many steps)."""
    percentile: float | None = None
    """The paper's rule instead: reject so that this percentage falls below one half (95 for vectors, 80 for images)."""
    gamma: float | None = None
    """The paper's γ by value; 0 is exact rejection sampling."""
    ratio_steps: int | None = None
    """Batches that a ratio learns from, at most; fewer where held-out data say that it no longer gets better."""
    chain_steps: int = 100
    """Steps of a chain, for metropolis and langevin."""
    pool: int = 32
    """Proposals that each draw is picked from, for resampling."""


def density_ratio(session: Session, real: Tensor, how: Refinement, tell: Say | None = None) -> DensityRatio:
    """log p_data / p_model by the model's critic or by a classifier fitted to its draws.

    Raises:
        InputError: the model has no critic and its judgement was asked for.
    """
    model, options = session.model, fitting(real, how, session.settings.seed, tell)
    if how.ratio == "own":
        if model.critic is None:
            raise InputError("--ratio own: this model has no critic of its own; use --ratio fit")
        return DensityRatio(model.critic)
    if how.ratio in ("fit", "project") or "network" in options or model.critic is None:
        slow = model.walks or session.facts.kind == "text"
        sampler = _once(model.sampler, session.settings.seed, tell) if slow else model.sampler
        return fit_ratio(sampler, real, **options)
    return keep_training(model.critic, model.sampler, real, logistic=model.logistic, **options)


def _once(sampler: Sampler, seed: int, tell: Say | None) -> Rows:
    """Draws that take long, made once; it is told how many there are."""
    told = None if tell is None else lambda done, n: tell(done, n, "draws for a density ratio to learn from")
    return Rows(draw(sampler, ONCE, generator=seed, batch_size=250, told=told))


def fitting(real: Tensor, how: Refinement, seed: int, tell: Say | None) -> dict[str, Any]:
    """The options of `fit_ratio`: images take fewer and smaller batches, as each costs a hundred times a vector's."""
    image = real.ndim == 4
    projected = how.ratio == "project" or (how.ratio == "auto" and image)
    steps = how.ratio_steps or (1500 if image else 6000)

    def told(step: int, loss: float) -> None:
        if tell is not None:
            tell(step, steps, f"density ratio, {loss:.3f} nats on held-out data")

    batch, patience = (128, 500) if image else (512, 1000)
    options = {"batch_size": batch, "max_steps": steps, "patience": patience, "seed": seed, "progress": told}
    if not real.is_floating_point():
        seen = NgramFeatures(real)
        return options | {"network": nn.Sequential(seen, VectorCritic(seen.basis.shape[1], width=128))}
    return options | ({"network": Projected(real)} if projected else {})


def refined(session: Session, ratio: DensityRatio, real: Tensor, how: Refinement) -> Refined:
    """The refined sampler, with a `report()`."""
    sampler, seed = session.model.sampler, session.settings.seed
    if how.method == "langevin":
        decode, d_z = session.model.decode, session.model.d_z
        if decode is None or d_z is None:
            raise InputError("--method langevin needs a model with a latent space: use rejection")
        return latent_langevin(decode, ratio, d_z, steps=how.chain_steps, device=session.settings.device, seed=seed)
    if session.model.walks and how.method == "rejection" and (how.budget, how.percentile, how.gamma) == (None,) * 3:
        how = replace(how, budget=FEW)
    return refined_by(sampler, ratio, real, how, seed)


def refined_by(sampler: Sampler, ratio: DensityRatio, real: Tensor, how: Refinement, seed: int) -> Refined:
    """The refined sampler, for any sampler."""
    if how.method == "rejection":
        open_choice = (how.budget, how.percentile, how.gamma) == (None, None, None)
        budget = 100.0 if open_choice and real.ndim == 2 and real.is_floating_point() else how.budget
        return rejection(sampler, ratio, budget=budget, percentile=how.percentile, gamma=how.gamma, seed=seed)
    if how.method == "metropolis":
        return metropolis_hastings(sampler, ratio, real, steps=how.chain_steps)
    if how.method == "resampling":
        return resampling(sampler, ratio, pool=how.pool)
    raise unknown("method of refinement", how.method, ("rejection", "metropolis", "resampling"))
