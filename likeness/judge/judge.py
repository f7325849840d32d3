"""The one call: `judge(samples, reference)` measures samples against real data and returns a table of numbers.

Every table carries its baselines, made with the same number of samples and held against the same reference: other real
data, a Gaussian fitted to the features, the memoriser and noise. Without separate held-out data, half of the reference
is the reference and the other half the held-out baseline. What is fitted (PCA, a classifier) sees one half of the
training data; the memoriser returns the other.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from likeness.data.columns import Columns
from likeness.data.truth import Truth
from likeness.findings import Finding
from likeness.judge import baselines as base
from likeness.judge import diagnosis
from likeness.judge.classifier import classifier
from likeness.judge.features import FeatureSpace, Fit, features_of, pca, raw
from likeness.judge.likelihood import Density, Likelihood, likelihood
from likeness.judge.material import Material, material, shares
from likeness.judge.measures import MEASURES, TOGETHER, Case, Ground
from likeness.judge.pairs import K, nearest, within
from likeness.judge.protocol import Protocol, fingerprint
from likeness.judge.score import Score, Scores
from likeness.ranks import World, using, world
from likeness.sampling import Sampler

Progress = Callable[[int, int, str], object]
Device = torch.device | str
LogProb = Callable[[Tensor], Tensor]


def judge(
    subject: Sampler | Tensor,
    reference: Tensor,
    *,
    train: Tensor | None = None,
    labels: Tensor | None = None,
    heldout: Tensor | None = None,
    features: FeatureSpace | Fit | None = None,
    columns: Columns | None = None,
    truth: Truth | None = None,
    log_prob: LogProb | None = None,
    log_prob_kind: str = "exact",
    levels: int | None = None,
    draws: str = "",
    n: int | None = None,
    seed: int = 0,
    baselines: bool = True,
    device: Device = "cpu",
    progress: Progress | None = None,
) -> Scores:
    """Judge samples against real data.

    Args:
        subject: a sampler, or samples (n, *event) of which a random part is taken where there are more than needed.
        reference: real samples (m, *event) that no model was trained on.
        train: the training samples (N, *event); memorisation and the memoriser need them.
        labels: classes 0, 1, … (N,) of the training samples; they make a classifier the default space of images.
        heldout: real samples for the held-out baseline; half of the reference if not given.
        features: the space to compare in, or what fits one to samples and labels (`pca`, `classifier`). By default a
            classifier for images with labels, pca for other images, the numbers themselves for vectors.
        columns: how the rows of a table became these vectors; columns and pairs of them are then compared. Baselines
            are brought to legal rows, samples are taken to be some.
        truth: the distribution itself where it is known: modes are counted if it has any.
        log_prob: nats of each sample under the subject; `log_prob_kind` is exact, bound, estimate or unnormalised.
        levels: `log_prob` is of the probability of values rounded to so many levels; of a density if not given.
        draws: what the subject draws where it could draw another thing, such as "sample" or "mean"; it is kept.
        n: how many samples to judge; by default as many as every row of the table can have, and at most 10 000.
        baselines: leave them out for a quicker table; the whole reference is then the reference.
        progress: called with (steps done, steps in all, what comes next).

    Raises:
        InputError: samples are not finite, of another shape than the reference's, or too few.
    """
    told = None if progress is None else lambda done, count: progress(done, count, "draws")
    given = material(subject, reference, train, labels, heldout, n=n, seed=seed, baselines=baselines, told=told)
    steps = _steps(progress, baselines)
    steps("features")
    space, memory = _space(features or _default(given, seed, device), given, seed)
    cases = [Case(None, features_of(space, given.subject, device=device), given.subject)]
    cases += _baselines(given, memory, space, columns=columns, seed=seed, device=device) if baselines else []
    steps("reference")
    density = None if log_prob is None else Density(log_prob, log_prob_kind, levels)
    nats, notes = _likelihood(density, given.reference, device)
    ground = _ground(given, space, columns, truth, nats, seed=seed, device=device)
    rows = _rows(cases, ground, steps)
    warnings = (*given.notes, *notes, *space.findings, *_diagnosis(given, rows, cases[0].features.shape[1]))
    return Scores(tuple(rows), replace(_protocol(given, space, seed, reference, heldout), draws=draws), warnings)


def _steps(progress: Progress | None, baselines: bool) -> Callable[[str], None]:
    total = (5 if baselines else 1) * len(MEASURES) + 2
    done = iter(range(total))

    def step(name: str) -> None:
        if progress is not None:
            progress(next(done), total, name)

    return step


def _default(given: Material, seed: int, device: Device) -> Fit:
    if given.reference.ndim == 2:
        return raw
    return pca if given.labels is None else partial(classifier, seed=seed, device=device)


def _space(features: FeatureSpace | Fit, given: Material, seed: int) -> tuple[FeatureSpace, Tensor | None]:
    """The feature space, and the training samples that the memoriser may return."""
    if isinstance(features, FeatureSpace):
        return features, given.train
    if given.train is None:
        return features(given.reference if given.heldout is None else given.heldout, None), None
    seen, unseen = shares(given.train, seed=seed)
    labels = None if given.labels is None else given.labels[seen]
    return features(given.train[seen], labels), given.train[unseen]


def _baselines(
    given: Material,
    memory: Tensor | None,
    space: FeatureSpace,
    *,
    columns: Columns | None,
    seed: int,
    device: Device,
) -> Iterator[Case]:
    def case(name: str, samples: Tensor) -> Case:
        return Case(name, features_of(space, samples, device=device), samples)

    assert given.heldout is not None
    legal = (lambda x: x) if columns is None else columns.legal
    n, fitted = len(given.subject), given.heldout if given.train is None else given.train
    drawn = base.gaussian(features_of(space, fitted, device=device), n, seed=seed)
    yield case(base.HELD_OUT, given.heldout)
    if space.name == "raw" and given.subject.ndim == 2:
        yield case(base.GAUSSIAN, legal(drawn).cpu())
    else:
        yield Case(base.GAUSSIAN, drawn, None)
    if memory is not None:
        yield case(base.MEMORISER, base.memoriser(memory, n, seed=seed))
    yield case(base.NOISE, legal(base.noise(given.reference, n, seed=seed)))


def _ground(
    given: Material,
    space: FeatureSpace,
    columns: Columns | None,
    truth: Truth | None,
    likelihood: Likelihood | None,
    *,
    seed: int,
    device: Device,
) -> Ground:
    reference = features_of(space, given.reference, device=device)
    train = None if given.train is None else features_of(space, given.train, device=device)
    fresh = None if train is None else nearest(reference, train)
    rows = None if columns is None else (columns, given.reference)
    return Ground(reference, within(reference), space.probabilities, train, fresh, truth, likelihood, seed, rows)


def _rows(cases: Sequence[Case], ground: Ground, steps: Callable[[str], None]) -> list[Score]:
    """Every measure of every case; those that one process takes alone are shared out, and each gets all."""
    here, mine = world(), {}
    apart = [(name, i) for name in MEASURES if name not in TOGETHER for i in range(len(cases))]
    with using(World()):
        for name, i in apart[here.rank :: here.size]:
            steps(f"{name}: {cases[i].name or 'subject'}")
            mine[name, i] = MEASURES[name](cases[i], ground)
    found = {place: rows for part in here.objects(mine) for place, rows in part.items()}
    for i, case in enumerate(cases):
        for name in MEASURES:
            if name in TOGETHER:
                steps(f"{name}: {case.name or 'subject'}")
                found[name, i] = MEASURES[name](case, ground)
    return [row for i in range(len(cases)) for name in MEASURES for row in found[name, i]]


def _likelihood(model: Density | None, reference: Tensor, device: Device) -> tuple[Likelihood | None, list[Finding]]:
    if model is None:
        return None, []
    found = likelihood(model, reference, device)
    if (bad := int((~found.nats.isfinite()).sum())) > 0:
        saw = f"The log-likelihood of {bad} of {len(found.nats)} reference samples is not finite, so it is left out."
        return None, [Finding("likelihood-infinite", saw, "The model gives them no mass: let it have some noise.")]
    return found, []


def _diagnosis(given: Material, rows: list[Score], d: int) -> list[Finding]:
    memorised = next((row for row in rows if (row.metric, row.baseline) == ("memorisation", None)), None)
    return [
        *diagnosis.of_sizes(len(given.subject), len(given.reference), d),
        *diagnosis.of_range(given.subject, given.reference),
        *diagnosis.of_copies(given.subject, given.reference),
        *diagnosis.of_memorisation(memorised),
        *(note for row, held in _columns(rows) for note in diagnosis.of_columns(row, held)),
    ]


def _columns(rows: list[Score]) -> Iterator[tuple[Score, Score | None]]:
    """The subject's rows on columns, each with that of the held-out baseline."""
    for row in rows:
        if row.metric in diagnosis.COLUMNS and row.baseline is None:
            yield row, next((r for r in rows if (r.metric, r.baseline) == (row.metric, base.HELD_OUT)), None)


def _protocol(given: Material, space: FeatureSpace, seed: int, reference: Tensor, heldout: Tensor | None) -> Protocol:
    half = "" if given.heldout is None else "half of the reference"
    return Protocol(
        reference=fingerprint(reference.float()),
        n_reference=len(given.reference),
        n=len(given.subject),
        features=space.name,
        weights=space.weights,
        resize=space.resize,
        dtype="float32",
        neighbours=K,
        seed=seed,
        train="" if given.train is None else fingerprint(given.train),
        heldout=half if heldout is None or not half else fingerprint(heldout.float()),
    )
