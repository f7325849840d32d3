"""What is known of shards before they are read: how many samples, and of which classes."""

from collections.abc import Iterable
from typing import NamedTuple

from likeness.errors import InputError
from likeness.findings import Finding

Label = int | str
MOST = 100_000  # classes; more of them are numbers of samples


class Survey(NamedTuple):
    """What a shard holds.

    Attributes:
        labels: the classes that occur.
        unlabelled: the name of a sample without a class, where there is one.
        pickles: how many members were passed over because only a program could open them.
    """

    labels: set[Label]
    length: int
    unlabelled: str | None = None
    pickles: int = 0


def classes_of(surveys: Iterable[Survey]) -> tuple[Label, ...]:
    """The classes of all shards in their order, numbers by their size; none where no sample has one.

    Raises:
        InputError: some samples have a class and others none, or there are too many of them.
    """
    surveys = list(surveys)
    found: set[Label] = set().union(*(s.labels for s in surveys))
    lacking = next((s.unlabelled for s in surveys if s.unlabelled is not None), None)
    if found and lacking is not None:
        raise InputError(f"{lacking} has no class and others have one: give each sample its class, or none")
    if len(found) > MOST:
        raise InputError(
            f"{len(found)} different classes: at most {MOST} can be told apart; were these meant to be classes?"
        )
    return tuple(sorted(found, key=lambda label: (isinstance(label, str), label)))


def pickles_in(surveys: Iterable[Survey]) -> tuple[Finding, ...]:
    """What to say of members that were passed over."""
    if not (n := sum(s.pickles for s in surveys)):
        return ()
    saw = f"{n} members are pickles, which could run any program; they were passed over."
    return (Finding("pickles-passed-over", saw, "Store classes as .cls or .json."),)
