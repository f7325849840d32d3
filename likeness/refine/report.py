"""What a refiner says of its work: the same facts for every one of them, and warnings in words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from likeness.errors import InputError
from likeness.findings import Finding
from likeness.refine.distortion import Distortion
from likeness.sampling import Streams

Number = int | float  # the type checker of the tests takes `float` at its word


class Report(NamedTuple):
    """The facts of everything a refiner has drawn so far.

    `proposals` and `critic_passes` count samples; `acceptance_rate` lies in [0, 1]; `moved` is how often the running
    maximum rose (0 where there is none); `seconds` is the time inside the refiner, models included; `distortion` is
    known for filters only; `facts` holds what only this refiner has.
    """

    method: str
    draws: int
    proposals: int
    acceptance_rate: float
    critic_passes: int
    seconds: float
    moved: int
    distortion: Distortion | None
    facts: Mapping[str, Number]
    findings: tuple[Finding, ...]

    @property
    def cost(self) -> float:
        """Proposals a draw."""
        return self.proposals / max(self.draws, 1)


@dataclass
class Tally:
    """What a refiner counts while it works."""

    draws: int = 0
    proposals: int = 0
    accepted: float = 0.0
    decisions: int = 0
    critic_passes: int = 0
    seconds: float = 0.0

    @property
    def acceptance_rate(self) -> float:
        return self.accepted / max(self.decisions, 1)


def blocks(n: int, source: Streams, size: int) -> Iterator[tuple[int, Streams]]:
    """`n` samples in blocks of at most `size`, each with its streams. Raises InputError where `n` is below one."""
    if n < 1:
        raise InputError(f"cannot draw {n} samples: ask for one or more")
    for start in range(0, n, size):
        yield min(size, n - start), source.at(source.first + start)
