"""Warnings of a judge, in words: why a number of the table may not mean what it seems to."""

import numpy as np
from torch import Tensor

from likeness.findings import Finding
from likeness.judge.score import Score

FEW = 500
RARE = 0.01
SURE = 3.0  # standard scores
COLUMNS = {
    "marginals": ("Columns by themselves", "Look at their pictures; train for longer, or transform a skewed column."),
    "gaps": ("Shares of gaps", "Train for longer; a column with hardly any value is best dropped."),
    "association": ("Associations of pairs of columns", "Train for longer, or use a larger model."),
}


def of_sizes(n: int, n_reference: int, d: int) -> list[Finding]:
    """Too few samples for the features, or for any fine distinction."""
    found = []
    if min(n, n_reference) < 2 * d:
        saw = f"{min(n, n_reference)} samples are few for {d} features: the Fréchet distance is mostly bias."
        found.append(Finding("n-small", saw, "Judge more samples, use pca features, or go by the kernel distance."))
    if n_reference < FEW:
        saw = f"The reference holds only {n_reference} samples, so that intervals are wide."
        found.append(Finding("reference-small", saw, f"Give a reference of {FEW} samples or more."))
    return found


def of_range(subject: Tensor, reference: Tensor) -> list[Finding]:
    """The subject's numbers lie on another scale than the reference's."""
    (low, high), (lowest, highest) = _ends(reference), _ends(subject)
    span = high - low
    outside = (subject < low - 0.25 * span) | (subject > high + 0.25 * span)
    if float(outside.float().mean()) < 0.05 and highest - lowest >= 0.6 * span:
        return []
    saw = f"Samples lie in {lowest:.3g} … {highest:.3g}, the reference in {low:.3g} … {high:.3g}."
    return [Finding("range-differs", saw, "Check that both are on one scale; images are in -1 … 1.")]


def of_copies(subject: Tensor, reference: Tensor) -> list[Finding]:
    """Samples that repeat one another, or that are rows of the reference itself."""
    found = []
    repeated = repeats(subject)
    if repeated > repeats(reference) + RARE:
        saw = f"{repeated:.0%} of the samples repeat an earlier one."
        found.append(Finding("repeated-samples", saw, "The sampler may have collapsed, or a file holds rows twice."))
    leaked = shared(subject, reference)
    if leaked > twins(reference) + RARE:
        saw = f"{leaked:.0%} of the samples are in the reference itself."
        found.append(Finding("reference-leaked", saw, "Give a reference that the model has not seen."))
    return found


def of_memorisation(row: Score | None) -> list[Finding]:
    """Samples that are copies of training samples, by the subject's row; None where there is no training data."""
    if row is None:
        saw = "There are no training samples to compare with, so that memorising cannot be seen."
        return [Finding("memorisation-unseen", saw, "Give the training samples as well.")]
    near, z = float(row.detail["near"]), float(row.detail["z"])
    if not (row.value > 0.6 and z > SURE) and near < 0.2:
        return []
    saw = (
        f"Samples lie nearer to the training samples than fresh data do (in {row.value:.0%} of pairs; half is normal), "
        f"and {near:.0%} of them nearer than all but 5 % of fresh data."
    )
    return [Finding("memorised", saw, "Look at nearest neighbours; train for less long, or on more data.")]


def of_columns(row: Score, held_out: Score | None) -> list[Finding]:
    """A table's columns or pairs of them that differ from the data's by more than other real rows do."""
    if held_out is None or row.low <= held_out.high:
        return []
    what, remedy = COLUMNS[row.metric]
    saw = (
        f"{what} differ from the data's, most in {row.detail['worst']} (by {float(row.detail['largest']):.2g}): "
        f"{row.value:.2g} on average, {held_out.value:.2g} for other real rows."
    )
    return [Finding(f"{row.metric}-differ", saw, remedy)]


def repeats(x: Tensor) -> float:
    """The share of rows that equal an earlier one."""
    return 1 - len(np.unique(_rows(x))) / len(x)


def twins(x: Tensor) -> float:
    """The share of rows that have an equal among the others."""
    _, counts = np.unique(_rows(x), return_counts=True)
    return float(counts[counts > 1].sum() / len(x))


def shared(x: Tensor, y: Tensor) -> float:
    """The share of rows of `x` that are rows of `y`."""
    rows = _rows(x)
    own, inverse = np.unique(rows, return_inverse=True)
    both = np.concatenate((own, np.unique(_rows(y))))
    values, counts = np.unique(both, return_counts=True)
    return float(np.isin(inverse, np.flatnonzero(counts[np.searchsorted(values, own)] > 1)).mean())


def _rows(x: Tensor) -> np.ndarray:
    flat = np.ascontiguousarray(x.flatten(1).float().cpu().numpy()) + 0.0  # one zero, not two
    return flat.view(f"S{flat.shape[1] * 4}").ravel()


def _ends(x: Tensor) -> tuple[float, float]:
    low, high = x.aminmax()
    return float(low), float(high)
