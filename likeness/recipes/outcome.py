"""What comes of a trained model: refined draws, scores of both, and the report."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from likeness import __version__
from likeness.data.batching import whole
from likeness.data.dataset import Dataset
from likeness.data.load import load
from likeness.errors import InputError
from likeness.findings import Finding
from likeness.judge.features import FeatureSpace
from likeness.judge.judge import judge
from likeness.judge.likelihood import Density, outside, outside_by_energy
from likeness.judge.score import Score, Scores
from likeness.ranks import world
from likeness.recipes.pipeline import Session
from likeness.recipes.refinement import Refinement, Say, density_ratio, refined
from likeness.recipes.spaces import LEARNED
from likeness.recipes.writing import written
from likeness.refine import DensityRatio, Report
from likeness.run import report as page
from likeness.run.pictures import picture
from likeness.run.table_pictures import associations, marginals
from likeness.run.track import records
from likeness.run.words import SUBJECTS
from likeness.sampling import Sampler, Streams, draw

SHOWN, LARGEST = 64, 5000


def table_of(subject: Sampler | Tensor, data: Dataset, space: FeatureSpace, session: Session, tell: Say) -> Scores:
    """The judge's table of a subject, against the test split, with the validation split as held-out baseline.

    The space is handed over as something fitted, so that the memoriser returns only what it has not seen. The model's
    own draws are judged by its density too; refined ones have another.
    """
    model = session.model
    return judge(
        subject,
        whole(data.test, LARGEST).x,
        train=whole(data.train, LEARNED).x,
        heldout=whole(data.validation, LARGEST).x,
        features=lambda x, y: space,
        columns=data.columns,
        truth=data.truth,
        log_prob=model.log_prob if subject is model.sampler else None,
        log_prob_kind=model.log_prob_kind,
        levels=model.levels,
        draws=model.drawn,
        seed=session.settings.seed,
        device=session.settings.device,
        progress=tell,
    )


def elsewhere(session: Session, name: str) -> Tensor:
    """Samples of other data in the form of the run's, to ask its model how likely they are.

    Raises:
        InputError: the model has no likelihood, or the data are not of its shape.
    """
    event = session.facts.event
    if session.model.log_prob is None:
        raise InputError(f"{session.run.folder}: a {session.run.recipe} has no likelihood that --ood could ask for")
    size, channels = (event[-1], event[0]) if len(event) == 3 else (None, None)
    data = load(name, seed=session.settings.seed, size=size, channels=channels)
    if data.event != tuple(event):
        raise InputError(f"samples of {name} have shape {data.event}, those of the run {tuple(event)}: make them alike")
    return whole(data.test, LARGEST).x


def with_outside(scores: Scores, session: Session, data: Dataset, other: Tensor, name: str) -> Scores:
    """The table with what the run's model says of data from elsewhere, by its energy too where it has one."""
    model, s = session.model, session.settings
    assert model.log_prob is not None
    density = Density(model.log_prob, model.log_prob_kind, model.levels)
    inside = whole(data.test, LARGEST).x
    found = outside(density, inside, other, name=name, device=s.device, seed=s.seed)
    rows = [*scores.rows, *found.rows]
    if model.energy is not None:
        rows.append(outside_by_energy(model.energy, inside, other, name=name, device=s.device, seed=s.seed))
    return replace(scores, rows=tuple(rows), warnings=(*scores.warnings, *found.findings))


@dataclass
class Outcome:
    """What a run came to: `write` makes the report of it."""

    session: Session
    data: Dataset
    space: FeatureSpace
    how: Refinement
    report: dict[str, Any] = field(default_factory=dict)
    warnings: list[tuple[str, Finding]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    def work(self, tell: Say) -> None:
        """Refine, judge the draws before and after, draw the pictures; measure what learned no distribution."""
        s = self.session
        if s.model.tables is not None:
            self.report["tables"] = s.model.tables(self.data, self.space)
        if s.model.draws:
            self._judge(tell)

    def _judge(self, tell: Say) -> None:
        s, device = self.session, self.session.settings.device
        real = whole(self.data.train, LEARNED).x.to(device)
        began = time.monotonic()
        ratio = density_ratio(s, real, self.how, tell)
        better = refined(s, ratio, real, self.how)
        self.seconds["density ratio"] = time.monotonic() - began
        table = {}
        for name, sampler in (("raw", s.model.sampler), ("refined", better)):
            began = time.monotonic()
            table[name] = table_of(sampler, self.data, self.space, s, partial(_named, tell, name))
            self.warnings += [("judge", f) for f in table[name].warnings if ("judge", f) not in self.warnings]
            self.seconds[f"judge {name}"] = time.monotonic() - began
        facts: Report = better.report()
        self.warnings += [("refine", f) for f in facts.findings]
        self.report["scores"] = {name: made.as_dict() for name, made in table.items()}
        self.report["verdict"] = verdict(table["raw"], table["refined"])
        self.report["refinement"] = refinement_facts(facts, ratio)
        drawn = {"raw": s.model.sampler, "refined": better}
        self.report |= self._texts(drawn) if self.data.kind == "text" else {"pictures": self._pictures(drawn)}

    def write(self) -> Path:
        """Write `report.json` and `report.html`; the place of the page."""
        run, data = self.session.run, self.data
        found = [(r["iteration"], Finding(r["code"], r["saw"], r["remedy"])) for r in records(run.folder, "finding")]
        told = [("data", f) for f in data.notes] + [("training", f) for _, f in found[-3:]] + self.warnings
        self.report |= {
            "likeness": __version__,
            "title": f"{run.recipe} on {data.name}",
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "config": {k: v for k, v in run.settings.items() if v is not None},
            "environment": run.config["environment"],
            "data": run.config["data"],
            "drawn": self.session.model.drawn,
            **course(run.folder),
            "warnings": [f._asdict() | {"from": source} for source, f in told],
            "seconds": self.seconds,
        }
        return page.write(self.report, run.folder)

    def _texts(self, samplers: Mapping[str, Sampler]) -> dict[str, Any]:
        """Texts to read, bits of the test part, and what draws repeat at several temperatures."""
        return written(self.session, whole(self.data.test, LARGEST).x, whole(self.data.train).x, samplers)

    def _pictures(self, samplers: Mapping[str, Sampler]) -> dict[str, str]:
        folder, truth = self.session.run.folder, self.data.truth
        real = whole(self.data.test, 5000).x
        n = SHOWN if real.ndim == 4 else min(5000, len(real))
        shown = {"data": real[:n]}
        shown |= {k: draw(s, n, generator=Streams(self.session.settings.seed)) for k, s in samplers.items()}
        paths = {name: f"samples/{name}.png" for name in shown}
        if columns := self.data.columns:
            paths["associations"] = "samples/associations.png"
        if world().rank:
            return paths
        for name, x in shown.items():
            if columns:
                marginals(x, folder / paths[name], columns, reference=real)
            else:
                modes = None if truth is None else truth.modes
                picture(x, folder / paths[name], reference=real, modes=modes)
        if columns:
            told = {SUBJECTS[name]: x for name, x in shown.items()}
            associations(told, folder / paths["associations"], columns)
        return paths


def _named(tell: Say, name: str, done: int, total: int, what: str) -> None:
    tell(done, total, f"{name}: {what}")


def verdict(raw: Scores, better: Scores) -> list[dict[str, Any]]:
    """For each metric, both values and the 95 % interval of their difference, refined − raw.

    The interval is made of the two (Zou and Donner, 2008, https://doi.org/10.1002/sim.3095): it takes the scores as
    independent, which is cautious, as they share their reference.
    """
    rows = []
    for b in better.rows:
        if b.baseline is None and any((a.metric, a.baseline) == (b.metric, None) for a in raw.rows):
            a = raw.of(b.metric)
            low, high = difference(a, b)
            rows.append(
                {
                    "metric": b.metric,
                    "raw": a.value,
                    "refined": b.value,
                    "better": b.better,
                    "low": low,
                    "high": high,
                    "beyond_interval": bool(low > 0 or high < 0),
                }
            )
    return rows


def difference(a: Score, b: Score) -> tuple[float, float]:
    """The ends of the interval of b − a."""
    d = b.value - a.value
    return d - math.hypot(b.value - b.low, a.high - a.value), d + math.hypot(b.high - b.value, a.value - a.low)


def refinement_facts(facts: Report, ratio: DensityRatio) -> dict[str, Any]:
    """What a report says of a refinement."""
    told: dict[str, Any] = {
        "method": facts.method,
        "draws": facts.draws,
        "proposals": facts.proposals,
        "acceptance_rate": facts.acceptance_rate,
        "moved": facts.moved,
        "seconds": facts.seconds,
        **facts.facts,
    }
    if (d := facts.distortion) is not None:
        told |= {"exact": d.exact, "kl": d.kl, "total_variation": d.tv, "effective_sample_size": d.effective}
    if (c := ratio.calibration) is not None:
        curve = [[b.predicted, b.observed, b.share * (c.n_real + c.n_fake)] for b in c.curve]
        told["ratio"] = {"brier": c.brier, "auc": c.auc, "ece": c.ece, "log_loss": c.log_loss, "curve": curve}
    return told


def course(folder: Path) -> dict[str, Any]:
    """The curves and judged scores of a training, from its metrics on disk."""
    curves: dict[str, list[list[float]]] = {}
    for line in records(folder, "terms"):
        for name, value in line.items():
            if name not in ("iteration", "kind", "seconds"):
                curves.setdefault(name, []).append([line["iteration"], value])
    judged = [
        {"iteration": r["iteration"], "metric": r["metric"], "value": r["value"]} for r in records(folder, "score")
    ]
    best = min(judged, key=lambda r: r["value"], default=None)
    return {"curves": curves, "judged": judged, **({} if best is None else {"best": best})}
