"""The table of what a judge measures: each entry takes a case and the ground it stands on and gives rows of scores."""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from likeness.data.columns import Columns
from likeness.data.truth import Truth
from likeness.judge.c2st import c2st
from likeness.judge.frechet import frechet
from likeness.judge.inception_score import inception_score
from likeness.judge.kernel import kernel_interval
from likeness.judge.likelihood import Likelihood
from likeness.judge.memorisation import memorisation
from likeness.judge.mmd import mmd_test
from likeness.judge.mode_coverage import mode_coverage
from likeness.judge.neighbours import intervals
from likeness.judge.pairs import Within, between, nearest, within
from likeness.judge.score import Score, score
from likeness.judge.tables import compare


class Case(NamedTuple):
    """What is measured: a subject (name None) or a baseline; one known by its features alone has no samples."""

    name: str | None
    features: Tensor
    samples: Tensor | None


class Ground(NamedTuple):
    """What cases are measured against, with what need be computed only once.

    Attributes:
        inside: the pass over pairs within the reference.
        train: features of the training samples, where there are any.
        fresh: distances of the reference to their nearest training samples.
        likelihood: what the subject's density says of the reference, where it has one.
        rows: the columns of a table with the reference encoded by them.
    """

    reference: Tensor
    inside: Within
    probabilities: Callable[[Tensor], Tensor] | None
    train: Tensor | None
    fresh: Tensor | None
    truth: Truth | None
    likelihood: Likelihood | None
    seed: int
    rows: tuple[Columns, Tensor] | None = None


Measure = Callable[[Case, Ground], list[Score]]


def _quality(case: Case, ground: Ground) -> list[Score]:
    if ground.probabilities is None:
        return []
    found = inception_score(ground.probabilities(case.features).cpu(), seed=ground.seed)
    return [
        score("inception", found.score, case.name),
        score("sharpness", found.sharpness, case.name),
        score("diversity", found.diversity, case.name),
    ]


def _frechet(case: Case, ground: Ground) -> list[Score]:
    found = frechet(ground.reference, case.features)
    return [
        score("frechet", found.distance, case.name),
        score("frechet_extrapolated", found.extrapolated, case.name),
    ]


def _pairs(case: Case, ground: Ground) -> list[Score]:
    own = within(case.features)
    across = between(ground.reference, case.features, ground.inside, own)
    distance = kernel_interval(ground.inside.sums, own.sums, across.sums, len(ground.reference), len(case.features))
    found = intervals(across).items()
    return [score("kernel", distance, case.name), *(score(name, interval, case.name) for name, interval in found)]


def _c2st(case: Case, ground: Ground) -> list[Score]:
    found = c2st(ground.reference, case.features, seed=ground.seed)
    return [score("c2st", found.accuracy, case.name, p=found.p, z=found.z, n=found.n)]


def _mmd(case: Case, ground: Ground) -> list[Score]:
    found = mmd_test(ground.reference, case.features, seed=ground.seed)
    return [score("mmd", found.mmd2, case.name, p=found.p, h=found.h, n=found.n)]


def _memorisation(case: Case, ground: Ground) -> list[Score]:
    if ground.train is None or ground.fresh is None:
        return []
    nearer, *detail = found = memorisation(nearest(case.features, ground.train), ground.fresh, seed=ground.seed)
    return [score("memorisation", nearer, case.name, **dict(zip(found._fields[1:], detail, strict=True)))]


def _likelihood(case: Case, ground: Ground) -> list[Score]:
    if ground.likelihood is None or case.name is not None:
        return []
    return ground.likelihood.rows(ground.seed)


def _modes(case: Case, ground: Ground) -> list[Score]:
    truth = ground.truth
    if truth is None or truth.modes is None or truth.std is None or case.samples is None:
        return []
    found = mode_coverage(case.samples, truth.modes, truth.std, truth.weights, seed=ground.seed)
    return [
        score("modes", found.recovered, case.name, known=found.known),
        score("high_quality", found.high_quality, case.name),
        score("mode_kl", found.kl, case.name),
    ]


def _table(case: Case, ground: Ground) -> list[Score]:
    if ground.rows is None or case.samples is None:
        return []
    columns, reference = ground.rows
    found = compare(case.samples, reference, columns)
    rows = zip(found._fields, found)
    return [score(name, d.mean, case.name, worst=d.worst, largest=d.largest) for name, d in rows if d is not None]


# Several processes share the work within Fréchet distance, neighbours and memorisation; the other measures are taken by
# one of them, each of one case.
TOGETHER = {"Fréchet distance", "neighbours", "memorisation"}
MEASURES: dict[str, Measure] = {
    "class quality": _quality,
    "Fréchet distance": _frechet,
    "neighbours": _pairs,
    "classifier test": _c2st,
    "kernel test": _mmd,
    "memorisation": _memorisation,
    "likelihood": _likelihood,
    "modes": _modes,
    "columns": _table,
}
