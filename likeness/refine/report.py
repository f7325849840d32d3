"""What a refiner says of its work: the same facts for every one of them, and warnings in words."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from time import perf_counter
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

from likeness.errors import InputError
from likeness.findings import Finding
from likeness.ranks import world
from likeness.refine.distortion import Distortion
from likeness.sampling import Ask, Streams
from likeness.spread import spread

Counts = TypeVar("Counts")
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
    accepted: Number = 0
    critic_passes: int = 0
    seconds: float = 0.0

    def count(self, proposals: int, accepted: Number) -> None:
        """`accepted` of so many new proposals, each seen by the critic once."""
        self.proposals += proposals
        self.critic_passes += proposals
        self.accepted += accepted

    def report(
        self,
        method: str,
        facts: Mapping[str, Number],
        findings: tuple[Finding, ...],
        *,
        moved: int = 0,
        distortion: Distortion | None = None,
    ) -> Report:
        """The facts so far."""
        return Report(
            method=method,
            draws=self.draws,
            proposals=self.proposals,
            acceptance_rate=self.accepted / max(self.proposals, 1),
            critic_passes=self.critic_passes,
            seconds=self.seconds,
            moved=moved,
            distortion=distortion,
            facts=facts,
            findings=findings,
        )


def in_blocks(
    draw: Callable[[int, Streams], tuple[Tensor, Counts]],
    count: Callable[[Counts], None],
    parts: Sequence[Ask],
    size: int,
    tally: Tally,
) -> list[Tensor]:
    """The draws of each part, at most `size` at a time, each block with its own streams and done by one process.

    `draw` changes nothing but what it returns, beside the draws what it counted; `count` takes the counts of every
    block, in order, on every process.

    Raises:
        InputError: a part is below one.
    """
    if lacking := [n for n, _ in parts if n < 1]:
        raise InputError(f"cannot draw {lacking[0]} samples: ask for one or more")
    began = perf_counter()
    blocks = [
        (min(size, n - start), source.at(source.first + start)) for n, source in parts for start in range(0, n, size)
    ]
    counted: dict[int, Counts] = {}

    def block(i: int) -> Tensor:
        with torch.no_grad():
            x, counted[i] = draw(*blocks[i])
        return x

    drawn = iter(spread(block, len(blocks)))
    known = {i: counts for found in world().objects(counted) for i, counts in found.items()}
    for i in range(len(blocks)):
        count(known[i])
    tally.draws += sum(n for n, _ in parts)
    tally.seconds += perf_counter() - began
    return [torch.cat(list(islice(drawn, -(-n // size)))) for n, _ in parts]
