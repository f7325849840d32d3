"""What a judgement starts from: samples checked, brought to one number, shared out so that nothing is used twice."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from likeness.errors import InputError
from likeness.findings import Finding
from likeness.judge.baselines import halves
from likeness.judge.pairs import K
from likeness.judge.resample import GROUPS
from likeness.sampling import Sampler, draw

LEAST = 2 * GROUPS
LARGEST = 10_000  # samples judged where nobody says how many


class Material(NamedTuple):
    """The samples of a judgement, float32.

    Attributes:
        heldout: as many as the subject, None where no baselines are wanted.
        train: all training samples, with `labels` where there are any.
    """

    subject: Tensor
    reference: Tensor
    heldout: Tensor | None
    train: Tensor | None
    labels: Tensor | None
    notes: tuple[Finding, ...]


def check(x: Tensor, name: str, like: Tensor) -> None:
    """Raises InputError unless `x` holds enough finite samples of the shape of those in `like`."""
    if x.ndim < 2:
        raise InputError(f"{name} has shape {tuple(x.shape)}: give samples as (n, …)")
    if x.shape[1:] != like.shape[1:]:
        raise InputError(
            f"samples of {name} have shape {tuple(x.shape[1:])}, those of the reference {tuple(like.shape[1:])}: "
            "bring both to one shape"
        )
    if len(x) < LEAST:
        fewer = f", fewer than its {K} neighbours need" if len(x) <= K else ""
        raise InputError(f"{name} has {len(x)} samples{fewer}: give {LEAST} or more")
    if (bad := (~x.isfinite()).flatten(1).any(1)).any():
        raise InputError(
            f"{name} has {int(bad.sum())} samples with NaN or infinite values, the first in row "
            f"{int(bad.int().argmax())}: remove or repair them"
        )


def material(
    subject: Sampler | Tensor,
    reference: Tensor,
    train: Tensor | None,
    labels: Tensor | None,
    heldout: Tensor | None,
    *,
    n: int | None,
    seed: int,
    baselines: bool,
    told: Callable[[int, int], object] | None = None,
) -> Material:
    """Check and share out; without `heldout`, half of the reference becomes it where baselines are wanted.

    `told` is called with (samples drawn, samples to draw).

    Raises:
        InputError: samples are too few, not finite or of unlike shapes, or labels do not fit the training samples.
    """
    given = {"the reference": reference, "the training data": train, "the held-out data": heldout}
    given |= {"the subject": subject} if isinstance(subject, Tensor) else {}
    for name, x in given.items():
        if x is not None:
            check(x, name, reference)
    if labels is not None and (train is None or len(labels) != len(train)):
        have = 0 if train is None else len(train)
        raise InputError(f"{len(labels)} labels for {have} training samples: give each training sample its label")
    if not baselines:
        reference, heldout = shuffled(reference, seed), None
    elif heldout is None:
        reference, heldout = _split(reference, seed)
    else:
        reference, heldout = shuffled(reference, seed), shuffled(heldout, seed)
    most = _most(subject, reference, n)
    count = most if heldout is None else min(most, len(heldout))
    if isinstance(subject, Tensor):
        samples = shuffled(subject, seed)[:count]
    else:
        samples = draw(subject, count, generator=seed, told=told)
    check(samples, "the subject", reference)
    real = None if train is None else train.float()
    held = None if heldout is None else heldout[:count].float()
    return Material(samples.float(), reference.float(), held, real, labels, _notes(n, count))


def shares(train: Tensor, *, seed: int) -> tuple[Tensor, Tensor]:
    """Places of two halves of the training samples: one to fit feature spaces to, one for the memoriser."""
    return halves(torch.arange(len(train)), seed=seed)


def shuffled(x: Tensor, seed: int) -> Tensor:
    """The rows in random order: parts and groups of rows stand for the whole, also in files sorted by class."""
    return x[torch.randperm(len(x), generator=torch.Generator().manual_seed(seed)).to(x.device)]


def _split(reference: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    if len(reference) < 2 * LEAST:
        raise InputError(
            f"the reference has {len(reference)} samples, and half of them become the held-out baseline: give "
            f"{2 * LEAST} or more, or held-out samples of their own"
        )
    return halves(reference, seed=seed)


def _most(subject: Sampler | Tensor, reference: Tensor, n: int | None) -> int:
    if not isinstance(subject, Tensor):
        return min(LARGEST, len(reference)) if n is None else n
    if n is not None and n > len(subject):
        raise InputError(f"n = {n}, but the subject has {len(subject)} samples: give more samples or a smaller n")
    return min(LARGEST, len(subject)) if n is None else n


def _notes(n: int | None, count: int) -> tuple[Finding, ...]:
    if n is None or count == n:
        return ()
    saw = (
        f"{n} samples were asked for, but the held-out baseline has only {count}: every row of the table uses {count}."
    )
    return (Finding("n-reduced", saw, "Give a larger reference, or more held-out samples."),)
