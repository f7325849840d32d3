"""Training, validation and test parts that share no sample.

What the source calls its test part is the test part, whole. Where the source has none, a fifth of the distinct
samples are chosen for it by the seed; where it has no validation part, a tenth of what is left is (each at most
10 000). Two rows with the same content count as one sample: copies always land on the same side. A row of the
training part that also stands in an official validation or test part is left out of training (and one of the
validation part that stands in the test part out of validation), and a finding says how many.

The rows of a part stand in an order drawn from the seed, so that its first n rows are a fair sample even where the
source is sorted by class.
"""

from collections.abc import Mapping
from typing import Protocol, TypeVar, runtime_checkable

import numpy as np

from likeness.data.memory import Digests, Places
from likeness.errors import InputError
from likeness.findings import Finding

TRAIN, VALIDATION, TEST = NAMES = ("train", "validation", "test")
SHARE = {TEST: 0.2, VALIDATION: 0.1}
LARGEST = 10_000

P = TypeVar("P", bound="Part")


@runtime_checkable
class Part(Protocol):
    """Rows with a hash of the content of each, of which some can be taken."""

    def __len__(self) -> int: ...

    @property
    def digests(self) -> Digests: ...

    def take(self: P, places: Places) -> P: ...


def divide(
    given: Mapping[str, P], *, seed: int = 0, limit: int | None = None
) -> tuple[dict[str, P], tuple[Finding, ...]]:
    """The three parts from what a source has: at least `train`, perhaps `validation` and `test`.

    Args:
        limit: the largest number of training samples to keep.

    Raises:
        InputError: there are too few distinct samples, or `limit` is below one.
    """
    if limit is not None and limit < 1:
        raise InputError(f"limit {limit}: keep 1 training sample or more")
    parts, notes = _without_copies(given)
    for name in (TEST, VALIDATION):
        if name not in parts:
            chosen = _choose(parts[TRAIN].digests, SHARE[name], seed)
            parts |= {
                name: parts[TRAIN].take(np.flatnonzero(chosen)),
                TRAIN: parts[TRAIN].take(np.flatnonzero(~chosen)),
            }
    for name, part in parts.items():
        if len(part) == 0:
            raise InputError(f"no sample is left for the {name} part: supply more distinct samples")
        order = np.random.default_rng((seed, NAMES.index(name))).permutation(len(part))
        parts[name] = part.take(order[: limit if name == TRAIN else None])
    return parts, notes


def _without_copies(given: Mapping[str, P]) -> tuple[dict[str, P], tuple[Finding, ...]]:
    """The parts without the rows that also stand in a part that is further from training."""
    parts, notes = dict(given), []
    for name, later in ((VALIDATION, (TEST,)), (TRAIN, (VALIDATION, TEST))):
        held = [parts[other].digests for other in later if other in parts]
        if name not in parts or not held:
            continue
        copies = np.isin(parts[name].digests, np.concatenate(held))
        if copies.any():
            parts[name] = parts[name].take(np.flatnonzero(~copies))
            notes.append(_note(int(copies.sum()), name))
    return parts, tuple(notes)


def _note(n: int, name: str) -> Finding:
    saw = f"{n} samples of the {name} part are exact copies of held-out ones; they were left out of the {name} part."
    return Finding(
        "copies-across-splits", saw, "Nothing needs to be done; figures from the full part may differ a little."
    )


def _choose(digests: Digests, share: float, seed: int) -> np.ndarray:
    """Which rows are chosen: a share of the distinct contents, with all the copies of each."""
    distinct, group = np.unique(digests, return_inverse=True)
    if len(distinct) < 2:
        raise InputError(f"{len(distinct)} distinct samples cannot be divided into parts: supply 3 or more")
    chosen = np.zeros(len(distinct), dtype=bool)
    n = min(LARGEST, max(1, round(share * len(distinct))))
    chosen[np.random.default_rng((seed, len(NAMES))).permutation(len(distinct))[:n]] = True
    return chosen[group]
