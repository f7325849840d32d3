"""A VAE and an energy that takes away what it draws off the data, for vectors and square images.

With `--vae RUN` the VAE of that run is taken as it is; without it one is trained first, in the same run, for the first
`vae_steps` of the `steps`. Checkpoints are judged from where the energy trains. What is not given is chosen by the
data. Other than the paper, chains begin anew and energies are kept small (`magnitude`): the small networks of a laptop
otherwise sharpen until modes are lost, which the watch sees in how few draws of the VAE the energy leaves any weight.

The energy is a score of what is unlike the data: `likeness anomaly --score energy`, `likeness judge --ood`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from likeness.energy.alarms import Runaway, judged_gap
from likeness.energy.vaebm import VAEBM
from likeness.errors import InputError
from likeness.findings import Finding
from likeness.nn.energy_net import energy_for
from likeness.recipes import vae as first
from likeness.recipes.common import Common, Facts, Model, Range, positive
from likeness.recipes.pipeline import reopen
from likeness.refine.resampling import effective_size
from likeness.run.folder import open_run
from likeness.run.learner import Learner
from likeness.sampling import draw

SEARCHED = ("lr", "magnitude", "step_size", "width")  # by a sweep that is not told what to search
OF_VAE = ("likelihood", "sigma", "floor", "hierarchy", "d_z", "vae_width")  # what a given VAE decides
LOOKED_AT, LEAST = 512, 0.05  # draws of the VAE, and the share of them that an energy leaves its weight to


@dataclass(frozen=True)
class Settings(Common):
    """Train an energy on top of a VAE."""

    vae: str | None = None
    """A run of vae, whose model is taken as it is; without one it is trained first, in this run."""
    vae_steps: int | None = None
    """How many of the steps are the VAE's; two thirds if not given."""
    likelihood: Literal["gaussian", "gaussian-map"] | None = None
    """What the decoder says of a pixel or a column: gaussian, or gaussian-map (each pixel of each sample its own σ)."""
    sigma: Annotated[float | None, Range(0.02, 1, log=True)] = None
    """The standard deviation of gaussian, in units of the data (images lie in [-1, 1]); learned if not given."""
    floor: float | None = None
    """A learned σ stays above it; 0.01 if not given."""
    hierarchy: Literal[1, 2, 3, 4] | None = None
    """Levels of latents; 1 if not given."""
    d_z: Annotated[int | None, Range(2, 128, log=True)] = None
    """Size of the latent vector; of a hierarchy, of the one at the top."""
    vae_width: int | None = None
    """Channels (images) or units (vectors) of a layer of the VAE."""
    lr_vae: float = 1e-3
    """Learning rate of the VAE."""
    width: Annotated[int | None, Range(16, 256, log=True)] = None
    """Channels (images, at full resolution) or units (vectors) of a layer of the energy."""
    lr: Annotated[float | None, Range(1e-5, 1e-2, log=True)] = None
    """Learning rate of the energy."""
    chain_steps: int = 10
    """Langevin steps of a chain in training."""
    draw_steps: int = 16
    """Langevin steps of a chain that ends as a draw."""
    step_size: Annotated[float | None, Range(1e-4, 1e-1, log=True)] = None
    """η of these steps."""
    buffer: int = 10_000
    """Ends of chains that are kept to begin others from, where `persistence` is above zero."""
    persistence: Annotated[float, Range(0, 0.6)] = 0.0
    """Share of chains that go on where others ended, which the paper has at 0.6; it rises to that over 5000 steps."""
    magnitude: Annotated[float | None, Range(1e-2, 1, log=True)] = None
    """Weight of the squared energies."""
    spectral: Annotated[float | None, Range(1e-2, 1, log=True)] = None
    """Weight of the largest singular values of the energy's layers."""
    negatives: Literal["sample", "mean"] = "sample"
    """What of p(x|z) the energy learns to rate down: samples, or means."""
    draws: Literal["sample", "mean"] = "sample"
    """What is drawn, judged and shown: samples of the decoder's distribution, or its means."""


def fitting(settings: Settings, facts: Facts) -> Settings:
    """The settings with every open choice made by the data, or by the run of the VAE.

    Raises:
        InputError: a number out of its range, data that are neither vectors nor images, or a VAE that is of other data
            or conditional.
    """
    positive(settings, "steps", "batch_size", "lr", "lr_vae", "width", "judge_every", "chain_steps", "step_size")
    if facts.columns:
        raise InputError("vaebm is for vectors and images, and these are a table: use vae, or gan")
    if settings.shard:
        raise InputError("--shard trains one player, and a VAEBM has two: leave it out")
    if settings.vae is not None:
        settings = replace(settings, **_of_run(settings, facts))
    image = len(facts.event) == 3
    steps = settings.steps or (2000 if settings.vae else 6000)
    chosen: dict[str, Any] = {
        "steps": steps,
        "vae_steps": 0 if settings.vae else steps * 2 // 3,
        "floor": 0.01,
        "hierarchy": 1,
        "width": 32 if image else 128,
        "lr": 3e-4 if image else 1e-3,
        "step_size": 3e-2 if image else 1e-2,
        "magnitude": 0.3,
        "spectral": 0.2 if image else 0.0,
    }
    settings = replace(settings, **{k: v for k, v in chosen.items() if getattr(settings, k) is None})
    if not 0 <= (settings.vae_steps or 0) < steps:
        raise InputError(f"--vae-steps {settings.vae_steps} of --steps {steps}: leave some of them to the energy")
    made = first.fitting(_first(settings), facts)
    same = {"likelihood": made.likelihood, "d_z": made.d_z, "vae_width": made.width, "batch_size": made.batch_size}
    return replace(settings, **same)  # type: ignore[arg-type]


def build(settings: Settings, facts: Facts) -> Model:
    """The model and its optimisers, for settings without open choices."""
    s, vae = settings, first.vae_of(_first(settings), facts)
    if s.vae is not None and Path(s.vae).exists():  # else its weights are in the state of the run
        vae.load_state_dict(reopen(Path(s.vae)).model.vae.state_dict())
    method = VAEBM(
        vae,
        energy_for(facts.event, width=s.width),
        facts.event,
        vae_steps=s.vae_steps or 0,
        steps=s.chain_steps,
        drawing=s.draw_steps,
        step_size=s.step_size or 0.0,
        capacity=s.buffer,
        persistence=s.persistence,
        mean=s.negatives == "mean",
        magnitude=s.magnitude or 0.0,
        spectral=s.spectral or 0.0,
    ).to(s.device)
    state = nn.ModuleDict({"method": method})
    names = tuple(name for name, _ in state.named_buffers() if name.split(".")[1] in ("replay", "penalty"))
    return Model(
        Learner(method, _optimisers(method, s), _nothing, state, to_train=names),
        lambda n, *, generator=None: method.sample(n, generator=generator, mean=s.draws == "mean"),
        drawn="means of p(x|z), without its noise" if s.draws == "mean" else "samples of p(x|z)",
        watch=Sharpened(method),
        log_prob=method.log_prob,
        log_prob_kind=method.log_prob_kind,
        energy=method.energy,
        encode=lambda x: vae.encode(x).mean,
        reconstruct=vae.reconstruct,
        ready=lambda: method.iteration > method.vae_steps,
    )


class Sharpened:
    """Watches how many draws of the VAE an energy leaves weight to, and how far the ends of chains lie above data."""

    def __init__(self, method: VAEBM) -> None:
        self.method, self.runaway = method, Runaway()

    def __call__(self, terms: dict[str, float]) -> list[Finding]:
        share, gap = weighed(self.method, LOOKED_AT), -(terms["data"] + terms["negative"])
        found = judged_gap(gap) + self.runaway.update(gap)
        return found if share >= LEAST else [*found, sharpened(share)]

    def state_dict(self) -> dict[str, Any]:
        return self.runaway.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.runaway.load_state_dict(state)


def weighed(method: VAEBM, n: int) -> float:
    """The effective share of draws of the VAE with weights e^−E: one where the energy says nothing."""
    device = method.begun.device
    x = draw(lambda n, *, generator=None: method.sample(n, generator=generator, steps=0), n, generator=0)
    energies: Tensor = torch.cat([method.energy(part.to(device)) for part in x.split(256)])
    return float(effective_size(-energies[None])) / n


def sharpened(share: float) -> Finding:
    """What is said of an energy that leaves weight to so few draws."""
    saw = f"The energy leaves its weight to {share:.1%} of the draws of the VAE: it sharpens, and "
    saw += "chains go to a few modes."
    return Finding("sharp-energy", saw, "Use more --magnitude or --spectral, a lower --lr, or an earlier checkpoint.")


def _nothing() -> None:
    pass


def _first(settings: Settings) -> first.Settings:
    """The settings of the VAE."""
    s = settings
    steps = s.vae_steps or 1
    return first.Settings(
        data=s.data,
        steps=steps,
        batch_size=s.batch_size,
        device=s.device,
        likelihood=s.likelihood,
        sigma=s.sigma,
        floor=s.floor or 0.01,
        hierarchy=s.hierarchy or 1,
        d_z=s.d_z,
        width=s.vae_width,
        warmup=steps // 10,
        lr=s.lr_vae,
    )


def _of_run(settings: Settings, facts: Facts) -> dict[str, Any]:
    """What the run of a VAE decides.

    Raises:
        InputError: it is no VAE of such samples, has no smooth likelihood, or other settings were asked for.
    """
    run = open_run(Path(settings.vae or ""))
    if run.recipe != "vae":
        raise InputError(f"--vae {run.folder} is a run of {run.recipe}: give one of vae")
    theirs = run.settings
    if theirs["conditional"] or theirs["likelihood"] not in ("gaussian", "gaussian-map"):
        kind = "conditional" if theirs["conditional"] else f"of likelihood {theirs['likelihood']}"
        raise InputError(f"--vae {run.folder} is {kind}: give one that is neither conditional nor of rounded values")
    if tuple(run.facts["event"]) != tuple(facts.event):
        raise InputError(f"--vae {run.folder} is of samples {tuple(run.facts['event'])}, the data {facts.event}")
    if settings.vae_steps:
        raise InputError(f"--vae-steps {settings.vae_steps} with --vae, which is not trained: leave one out")
    run.newest()
    found = {name: theirs["width" if name == "vae_width" else name] for name in OF_VAE}
    for name, value in found.items():
        if getattr(settings, name) not in (None, value):
            option = f"--{name.replace('_', '-')}"
            raise InputError(f"{option} {getattr(settings, name)}: {run.folder} has {value}; leave it out")
    return found


def _optimisers(method: VAEBM, s: Settings) -> dict[nn.Module, Optimizer]:
    """Adam without momentum, by which an energy does not overshoot; for images with the paper's decay."""
    image, vae = len(method.event) == 3, method.vae
    decay = 3e-5 if image else 0.0
    fused = torch.device(s.device).type == "cpu" or None
    return {
        vae: Adam(vae.parameters(), s.lr_vae, fused=fused),
        method.E: Adam(method.E.parameters(), s.lr or 0.0, betas=(0.0, 0.99), weight_decay=decay, fused=fused),
    }
