"""`likeness refine`: better draws from a run, or from a file of samples with real data beside it and no model."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro
from torch import Tensor

from likeness.app.console import progress, say, warn
from likeness.app.inputs import material
from likeness.app.sample import drawn, place
from likeness.app.together import together
from likeness.data.batching import whole
from likeness.data.columns import Columns
from likeness.data.export import write
from likeness.data.vocabulary import Vocabulary
from likeness.errors import InputError
from likeness.files import write_json
from likeness.ranks import world
from likeness.recipes.outcome import refinement_facts
from likeness.recipes.pipeline import drawing_from, read, reopen
from likeness.recipes.refinement import Refinement, density_ratio, fitting, refined, refined_by
from likeness.recipes.spaces import LEARNED
from likeness.refine import budget_for, cross_fit
from likeness.run.report import finite
from likeness.sampling import mapped


@dataclass(frozen=True)
class Options:
    """Draw better samples, from a run or from a file of samples."""

    run: Annotated[Path | None, tyro.conf.Positional] = None
    """Folder of the run; or give --samples and --real."""
    samples: Path | None = None
    """Samples on file to choose from; each is used at most once."""
    real: str | None = None
    """Real data to hold them against: a file, a folder of images, or the name of a data set."""
    n: Annotated[int, tyro.conf.arg(aliases=["-n"])] = 1000
    """How many refined samples."""
    out: Path | None = None
    """Where to: .npy, .npz, .csv, .parquet, .png (one grid), or a folder of PNG files."""
    how: Annotated[Refinement, tyro.conf.arg(name="")] = field(default_factory=Refinement)
    seed: int = 0
    """Sample i depends on the seed and on i alone."""
    batch_size: int = 256
    """Samples drawn at a time."""
    checkpoint: Literal["best", "last"] | None = None
    """Which weights of the run; the best by the judged score if not given."""
    device: str = "auto"
    """cpu, cuda, cuda:1 …; auto takes a GPU where there is one."""
    threads: int | None = None
    """Processor threads."""
    json: Path | None = None
    """Write what the refinement did to this file."""
    processes: int = 1
    """Processes that share the work; they change nothing in its outcome."""


def run(options: Options) -> None:
    if (options.run is None) == (options.samples is None):
        raise InputError("give the folder of a run, or --samples FILE with --real DATA")
    with together(options.device, options.threads) as where:
        x, columns, facts, out = _from_run(options, where) if options.run is not None else _from_file(options)
        if world().rank:
            return
        path = write(x, out, columns)
        if options.json is not None:
            write_json(options.json, finite(facts | {"out": str(path), "seed": options.seed}))
        _tell(facts)
        say(f"wrote {len(x)} refined samples to {path}")


def _from_run(options: Options, where: str) -> tuple[Tensor, Columns | Vocabulary | None, dict[str, Any], Path]:
    assert options.run is not None
    session = drawing_from(reopen(options.run, which=options.checkpoint, device=where))
    real = whole(read(session.settings).train, LEARNED).x.to(session.settings.device)
    with progress("fitting the density ratio") as bar:
        ratio = density_ratio(session, real, options.how, bar.stage)
    sampler = refined(session, ratio, real, options.how)
    x = drawn(sampler, options.n, options.seed, options.batch_size)
    facts = sampler.report()
    warn(facts.findings)
    return (
        x,
        session.columns or session.vocabulary,
        refinement_facts(facts, ratio),
        options.out or place(session, "refined"),
    )


def _from_file(options: Options) -> tuple[Tensor, Columns | None, dict[str, Any], Path]:
    if options.samples is None or options.real is None or options.out is None:
        raise InputError("--samples needs --real DATA to compare with and --out FILE to write to")
    if options.how.ratio == "own" or options.how.method == "langevin":
        raise InputError(
            "--ratio own and --method langevin need a model: samples on file are refined by a fitted ratio"
        )
    given = material(options.samples, options.real, None, "train")
    how, seed, real = options.how, options.seed, given.real.x
    budget = budget_for(len(given.samples), options.n)
    if how.method == "rejection" and (how.budget, how.percentile, how.gamma) == (None, None, None):
        how = Refinement(budget=budget, ratio_steps=how.ratio_steps)
    with progress("fitting the density ratio") as bar:
        scored = cross_fit(given.samples, real, **fitting(real, how, seed, bar.stage))
    sampler = refined_by(scored.numbers, scored.ratio, real, how, seed)
    x = drawn(mapped(sampler, scored.rows), options.n, seed, options.batch_size)
    facts = sampler.report()
    warn(facts.findings)
    return x, given.columns, refinement_facts(facts, scored.folds[0]), options.out


def _tell(facts: dict[str, Any]) -> None:
    parts = [f"{facts['method']}: {facts['acceptance_rate']:.1%} of {facts['proposals']} proposals kept"]
    if "kl" in facts:
        parts.append("exact" if facts["exact"] else f"distortion {facts['kl']:.3f} nats, if the ratio is right")
    if "ratio" in facts:
        parts.append(f"ratio on held-out data: Brier {facts['ratio']['brier']:.3f}, AUC {facts['ratio']['auc']:.3f}")
    say("; ".join(parts))
