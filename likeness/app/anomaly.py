"""`likeness anomaly RUN --data DATA`: which samples a run cannot say again, at a stated rate of false alarms."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from likeness.app.console import say, table
from likeness.app.inputs import OnData, coded, for_run, in_parts
from likeness.app.together import together
from likeness.data.batching import whole
from likeness.errors import InputError
from likeness.files import write_json
from likeness.recipes.pipeline import Session, read, reopen
from likeness.represent.anomaly import EncDecAD, Threshold, squared_error, threshold

SHOWN = 10


@dataclass(frozen=True, kw_only=True)
class Options(OnData):
    """Find what is unlike the data that a run learned from."""

    normal: str | None = None
    """Normal samples that nothing was trained on, which set the threshold: a file, a folder or a data set's name; the
    run's validation samples if not given."""
    false_alarms: float = 0.05
    """Share of normal samples that may be flagged."""
    score: Literal["error", "gaussian", "unlikely", "energy"] = "error"
    """The error of the reconstruction; or EncDec-AD: all errors of a sample held against a Gaussian of those of half
    of the normal samples, while the other half sets the threshold; or the negative log-likelihood; or the energy, of a
    run whose model has one."""
    json: Path | None = None
    """Write scores, threshold and flagged rows to this file."""
    seed: int = 0
    """Decides which half that is."""


def run(options: Options) -> None:
    with together(options.device, options.threads) as where:
        session = reopen(options.run, which=options.checkpoint, device=where)
        if options.score in ("error", "gaussian"):
            coded(session)
        x, normal = for_run(session, options.data, options.part), _normal(session, options)
        scores, known = SCORES[options.score](session, x, normal, options)
        limit = threshold(known, options.false_alarms)
    flagged = limit.flags(scores)
    _tell(scores, limit, flagged)
    if options.json is not None:
        rows = flagged.nonzero().flatten().tolist()
        write_json(options.json, {"score": options.score, **_facts(limit), "flagged": rows, "scores": scores.tolist()})


def _normal(session: Session, options: Options) -> Tensor:
    if options.normal is not None:
        return for_run(session, options.normal, options.part)
    return whole(read(session.settings).validation).x


def _by_error(session: Session, x: Tensor, normal: Tensor, options: Options) -> tuple[Tensor, Tensor]:
    """Scores of the data and of the normals, by the cost that the run was trained with where it says so."""
    model, device = session.model, session.settings.device
    if model.score is not None and model.score[0] == "error":
        return in_parts(model.score[1], x, device=device), in_parts(model.score[1], normal, device=device)
    reconstruct = coded(session)
    return squared_error(x, reconstruct(x)), squared_error(normal, reconstruct(normal))


def _by_gaussian(session: Session, x: Tensor, normal: Tensor, options: Options) -> tuple[Tensor, Tensor]:
    reconstruct = coded(session)
    if len(normal) < 2:
        raise InputError(f"{len(normal)} held-out normals: --score gaussian needs two or more; use --score error")
    order = torch.randperm(len(normal), generator=torch.Generator().manual_seed(options.seed))
    fitted, setting = normal[order].tensor_split(2)
    errors = [(part - reconstruct(part)).abs().flatten(1) for part in (fitted, setting, x)]
    made = EncDecAD().fit(errors[0])
    return made.score(errors[2]), made.score(errors[1])


def _by_likelihood(session: Session, x: Tensor, normal: Tensor, options: Options) -> tuple[Tensor, Tensor]:
    """Raises InputError where the model has no likelihood."""
    log_prob, device = session.model.log_prob, session.settings.device
    if log_prob is None:
        raise InputError(f"{session.run.folder}: a {session.run.recipe} has no likelihood; use --score error")
    with torch.no_grad():
        here, there = (-in_parts(log_prob, part, device=device) for part in (x, normal))
    return here, there


def _by_energy(session: Session, x: Tensor, normal: Tensor, options: Options) -> tuple[Tensor, Tensor]:
    """Raises InputError where the model has no energy."""
    energy, device = session.model.energy, session.settings.device
    if energy is None:
        raise InputError(f"{session.run.folder}: a {session.run.recipe} has no energy; use --score error")
    return in_parts(energy, x, device=device), in_parts(energy, normal, device=device)


SCORES = {"error": _by_error, "gaussian": _by_gaussian, "unlikely": _by_likelihood, "energy": _by_energy}


def _facts(limit: Threshold) -> dict[str, Any]:
    return {
        "threshold": limit.value,
        "false_alarms": limit.false_alarms,
        "false_alarms_interval": [limit.low, limit.high],
        "normals": limit.n,
    }


def _tell(scores: Tensor, limit: Threshold, flagged: Tensor) -> None:
    order = scores.argsort(descending=True)[:SHOWN].tolist()
    rows = [(str(i), f"{float(scores[i]):.4g}", "yes" if flagged[i] else "") for i in order]
    table(("row", "score", "flagged"), rows, "the highest scores")
    say(
        f"{int(flagged.sum())} of {len(scores)} samples lie above {limit.value:.4g}, which {limit.n} held-out normals "
        f"set: of normal samples {limit.false_alarms:.1%} would (95 % interval {limit.low:.1%} to {limit.high:.1%})"
    )
