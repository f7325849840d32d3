"""What a judge returns: named numbers with intervals, their baselines, the protocol and warnings in words."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from likeness.errors import InputError
from likeness.findings import Finding
from likeness.judge.protocol import Protocol, same_protocol

Better = Literal["higher", "lower", "one"]
Detail = int | float | str

# Of data from elsewhere, where a judge is given some.
OUTSIDE: dict[str, Better] = {
    "ood_log_likelihood": "lower",
    "ood_bits_per_dim": "higher",
    "ood_auroc": "higher",
    "ood_energy_auroc": "higher",
}

# Every metric a judge may report, and which way is better.
METRICS: dict[str, Better] = {
    "inception": "higher",
    "sharpness": "higher",
    "diversity": "higher",
    "frechet": "lower",
    "frechet_extrapolated": "lower",
    "kernel": "lower",
    "precision": "higher",
    "recall": "higher",
    "density": "one",
    "coverage": "higher",
    "c2st": "lower",
    "mmd": "lower",
    "memorisation": "lower",
    "log_likelihood": "higher",
    "bits_per_dim": "lower",
    "modes": "higher",
    "high_quality": "higher",
    "mode_kl": "lower",
    "marginals": "lower",
    "gaps": "lower",
    "association": "lower",
    **OUTSIDE,
}


class Score(NamedTuple):
    """One number. `baseline` names whose it is, None for the subject; `detail` holds what belongs to it (p-values)."""

    metric: str
    value: float
    low: float
    high: float
    better: Better
    baseline: str | None = None
    detail: Mapping[str, Detail] = {}


def score(metric: str, interval: tuple[float, float, float], baseline: str | None = None, **detail: Detail) -> Score:
    """A row of the table from (value, low, high)."""
    return Score(metric, *interval, METRICS[metric], baseline, detail)


@dataclass(frozen=True)
class Scores:
    """The table of one subject.

    As JSON: `{"scores": [{"metric", "value", "low", "high", "better", "baseline", "detail"}], "warnings": [{"code",
    "saw", "remedy"}], "protocol": {…}}`; intervals are 95 %.
    """

    rows: tuple[Score, ...]
    protocol: Protocol
    warnings: tuple[Finding, ...] = field(default=())

    def __getitem__(self, metric: str) -> Score:
        return self.of(metric)

    def of(self, metric: str, baseline: str | None = None) -> Score:
        """The row of a metric, for the subject or a baseline.

        Raises:
            InputError: it was not computed.
        """
        for row in self.rows:
            if (row.metric, row.baseline) == (metric, baseline):
                return row
        have = ", ".join(row.metric for row in self.rows if row.baseline == baseline)
        raise InputError(f"no {metric!r} for {baseline or 'the subject'}: computed were {have or 'none'}")

    @property
    def metrics(self) -> list[str]:
        """The names of all metrics in the table, in order."""
        return list(dict.fromkeys(row.metric for row in self.rows))

    @property
    def own(self) -> list[str]:
        """The names of the metrics of the subject itself."""
        return [row.metric for row in self.rows if row.baseline is None]

    @property
    def baselines(self) -> list[str]:
        """The names of the baselines in the table, in order."""
        return list(dict.fromkeys(row.baseline for row in self.rows if row.baseline))

    @property
    def stated(self) -> list[str]:
        """What likelihoods are of and draws are, in words."""
        told = [f"{row.metric}: {_kind(row)}" for row in self.rows if row.baseline is None and "kind" in row.detail]
        return told + ([f"draws: {self.protocol.draws}"] if self.protocol.draws else [])

    def table(self) -> list[list[str]]:
        """Rows of text, the first of them the header: a metric a row, the subject and each baseline a column."""
        columns: list[str | None] = [None, *self.baselines]
        found = {(row.metric, row.baseline): row for row in self.rows}
        header = ["metric", "better", "subject", *self.baselines]
        body = [[m, METRICS[m], *(_cell(found.get((m, b))) for b in columns)] for m in self.metrics]
        return [header, *body]

    def as_dict(self) -> dict[str, Any]:
        """The JSON form, as documented above."""
        return {
            "scores": [row._asdict() | {"detail": dict(row.detail)} for row in self.rows],
            "warnings": [finding._asdict() for finding in self.warnings],
            "protocol": self.protocol.as_dict(),
        }

    def to_json(self) -> str:
        return json.dumps(self.as_dict(), indent=2, allow_nan=False)

    @classmethod
    def from_dict(cls, read: Any) -> "Scores":
        """Read back what `as_dict` gave.

        Raises:
            InputError: it is not what a judge writes.
        """
        try:
            rows = tuple(Score(**row) for row in read["scores"])
            warnings = tuple(Finding(**finding) for finding in read["warnings"])
            return cls(rows, Protocol(**read["protocol"]), warnings)
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"not the scores of a judge ({error}): give a file that judge wrote") from None

    @classmethod
    def from_json(cls, text: str) -> "Scores":
        """Read back what `to_json` wrote; raises InputError as `from_dict` does."""
        try:
            read = json.loads(text)
        except ValueError as error:
            raise InputError(f"not the scores of a judge ({error}): give a file that judge wrote") from None
        return cls.from_dict(read)


def compare(subjects: Mapping[str, Scores]) -> list[list[str]]:
    """One table of several subjects, by name, beside their baselines; rows of text, the first of them the header.

    Raises:
        InputError: two were judged by unlike protocols; it names the fields that differ.
    """
    same_protocol({name: scores.protocol for name, scores in subjects.items()})
    metrics = list(dict.fromkeys(m for scores in subjects.values() for m in scores.metrics))
    first = next(iter(subjects.values()))
    found = {(name, row.metric): row for name, s in subjects.items() for row in s.rows if row.baseline is None}
    found |= {(row.baseline, row.metric): row for row in first.rows if row.baseline is not None}
    columns = [*subjects, *first.baselines]
    drawn = [scores.protocol.draws for scores in subjects.values()]
    return [
        ["metric", "better", *columns],
        *([["draws", "", *drawn, *[""] * len(first.baselines)]] if any(drawn) else []),
        *([m, METRICS[m], *(_cell(found.get((c, m))) for c in columns)] for m in metrics),
    ]


def unlike_kinds(subjects: Mapping[str, Scores]) -> list[Finding]:
    """What to say where one row of a comparison holds unlike kinds: exact beside bound, density beside mass."""
    found = []
    for metric in dict.fromkeys(m for scores in subjects.values() for m in scores.metrics):
        rows = {name: s.of(metric) for name, s in subjects.items() if metric in s.own}
        kinds = {name: _kind(row) for name, row in rows.items()}
        if len(set(kinds.values())) > 1:
            each = "; ".join(f"{name}: {kind}" for name, kind in kinds.items())
            remedy = "A bound may lose to an exact value and be of the better model; unlike things cannot be compared."
            found.append(Finding("unlike-kinds", f"The row {metric} holds unlike kinds ({each}).", remedy))
    return found


def _kind(row: Score) -> str:
    return " of ".join(str(row.detail[key]) for key in ("kind", "of") if key in row.detail)


def _cell(row: Score | None) -> str:
    if row is None:
        return ""
    kind = f" {row.detail['kind']}" if "kind" in row.detail else ""
    return f"{row.value:.4g} [{row.low:.4g}, {row.high:.4g}]{kind}"
