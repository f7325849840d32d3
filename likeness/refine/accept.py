"""Accept-reject over any sampler: the one loop behind every filter, vectorised and the same for every batch size.

Proposal j of a seed is sample j of the underlying sampler, kept or not by the j-th number of a stream of its own;
draw i is the i-th proposal kept. Proposals are looked at in blocks of a fixed size, and the running maximum of the
log ratio includes the block it judges. So sample(100) is the beginning of sample(1000), however either is cut into
batches. A filter remembers where it stands for the last seed, which makes consecutive batches cheap; a batch from
the middle of another seed is found by starting over. Many processes look at a block each, and all of them go through
the blocks in order.

John von Neumann. Various techniques used in connection with random digits. 1951.
https://mcnp.lanl.gov/pdf_files/InBook_Computing_1961_Neumann_JohnVonNeumannCollectedWorks_VariousTechniquesUsedinConnectionwithRandomDigits.pdf
"""

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence, Sized
from time import perf_counter
from typing import NamedTuple

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from likeness.errors import InputError
from likeness.findings import Finding
from likeness.ranks import world
from likeness.refine.distortion import distortion
from likeness.refine.ratio import Logit, as_ratio
from likeness.refine.report import Number, Report, Tally
from likeness.sampling import Ask, Sampler, Streams, agreed
from likeness.spread import spread

HOPELESS = 1_000_000  # proposals in a row without one kept


class Rule(NamedTuple):
    """How proposals are judged.

    `log_accept(d, d_M)` maps log ratios (n,) and their running maximum, both float64, to the log probability of
    keeping each (n,); `facts(d_M)` are its numbers. `more` says what a person changes to keep more of them.
    """

    name: str
    log_accept: Callable[[Tensor, Tensor], Tensor]
    facts: Callable[[Tensor], Mapping[str, Number]]
    more: str


class Filter:
    """The sampler that keeps some of the draws of `sampler`.

    Args:
        plan: makes the rule from the log ratios of the burn-in, (n,) float64.
        burn_in: how many proposals set the rule and the first maximum; of a finite sampler, at most all of it.
        block: how many proposals are looked at together.
        seed: of the burn-in. Its proposals are not among those kept later, but for a finite sampler, which is looked
            at again from its first row on.

    Raises:
        InputError: the critic gives NaN or +∞, or 0 as the ratio of every proposal.
    """

    def __init__(
        self,
        sampler: Sampler,
        log_ratio: Logit,
        plan: Callable[[Tensor], Rule],
        *,
        burn_in: int = 10_000,
        block: int = 512,
        seed: int = 0,
    ) -> None:
        if burn_in < 1 or block < 1:
            raise InputError(f"burn_in={burn_in}, block={block}: both count proposals, at least 1")
        began = perf_counter()
        self.sampler, self.ratio, self.block = sampler, as_ratio(log_ratio), block
        self.limit = len(sampler) if isinstance(sampler, Sized) else math.inf
        n = int(min(burn_in, self.limit))
        source = Streams(seed).split("burn-in")
        starts = range(0, n, block)
        looks = spread(lambda i: self._score(source.at(starts[i]), min(block, n - starts[i]))[1], len(starts))
        self.burn_in = torch.cat(looks)
        self.log_M = self.burn_in.max()
        if self.log_M.isneginf():
            raise InputError(
                f"the density ratio of all {n} proposals is 0: the model never draws what the data look like"
            )
        self.rule = plan(self.burn_in)
        self.highest, self.moved = self.log_M, 0
        self.tally = Tally(critic_passes=n, seconds=perf_counter() - began)
        self._place = _Place(Streams(0), self.log_M)

    def __call__(self, n: int, *, generator: int | Streams | None = None) -> Shaped[Tensor, " n *event"]:
        """Raises InputError where a finite sampler runs out, or a million proposals in a row are rejected."""
        return self.several([(n, agreed(generator))])[0]

    def several(self, parts: Sequence[Ask]) -> list[Tensor]:
        """The draws of each part, one after the other; processes look at proposals together."""
        return [self._taken(n, source) for n, source in parts]

    def accept_prob(self, x: Shaped[Tensor, " n *event"]) -> Float[Tensor, " n"]:
        """The probability of keeping each sample, with the largest maximum seen so far."""
        d = self.ratio(x).double()
        return self.rule.log_accept(d, torch.maximum(self.highest, d.max())).exp()

    def report(self) -> Report:
        """The facts so far; the distortion is estimated from the burn-in, with the largest maximum seen."""
        log_a = self.rule.log_accept(self.burn_in, self.highest)
        effect, found = distortion(self.burn_in, log_a), [*self.ratio.findings]
        fell = self.rule.log_accept(self.burn_in, self.log_M) - log_a
        factor = float(fell.nan_to_num(0.0).max().exp())
        if factor > 1.05:
            found.append(_late_maximum(self.moved, factor))
        if effect.effective < 50:
            found.append(_few_effective(effect.effective, effect.n))
        facts = {"expected_rate": float(log_a.exp().mean()), "log_maximum": float(self.highest), "burn_in": effect.n}
        facts |= self.rule.facts(self.highest)
        return self.tally.report(self.rule.name, facts, tuple(found), moved=self.moved, distortion=effect)

    def _score(self, source: Streams, n: int) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            x = self.sampler(n, generator=source)
            return x, self.ratio(x).double()

    def _find(self, source: Streams) -> "_Place":
        """The place from which the draw `source.first` is taken: where the last call ended, if it leads there."""
        last = self._place
        if (last.source.seed, last.source.path) != (source.seed, source.path) or last.taken > source.first:
            self._place = _Place(Streams(source.seed, 0, source.path), self.log_M)
        return self._place

    def _taken(self, n: int, source: Streams) -> Tensor:
        if n < 1:
            raise InputError(f"cannot draw {n} samples: ask for one or more")
        began = perf_counter()
        place = self._find(source)
        while place.kept < source.first + n:
            self._advance(place, source.first + n)
        draws = place.take(source.first, n)
        self.tally.draws += n
        self.tally.seconds += perf_counter() - began
        return draws

    def _advance(self, place: "_Place", wanted: int) -> None:
        """Go on by a block of proposals, looking at new ones where none are waiting."""
        if not place.ahead:
            place.ahead.extend(self._look(place, wanted))
        n, x, log_M = place.ahead.popleft()
        self.moved += int(log_M > place.log_M)
        self.highest = torch.maximum(self.highest, log_M)
        self.tally.count(n, place.add(x, n, log_M))
        if place.barren >= HOPELESS:
            raise InputError(f"{place.barren} proposals in a row were rejected: give {self.rule.more}")

    def _look(self, place: "_Place", wanted: int) -> list["_Looked"]:
        """What is kept of the next blocks, one a process; fewer where a finite sampler runs out."""
        starts = [place.seen + i * self.block for i in range(world().size)]
        sizes = [n for start in starts if (n := int(min(self.block, self.limit - start))) > 0]
        if not sizes:
            raise InputError(
                f"{place.kept} of the {place.seen} samples on file were kept, {wanted} were asked for: "
                f"ask for fewer, supply more samples, or give {self.rule.more}"
            )
        x, keep, maxima = {}, [], [place.log_M]

        def scored(i: int) -> Tensor:
            x[i], d = self._score(place.source.split("proposals").at(starts[i]), sizes[i])
            return d

        for start, d in zip(starts, spread(scored, len(sizes))):
            maxima.append(torch.maximum(maxima[-1], d.max()))
            u = place.source.split("accept").at(start).uniform(len(d), device=d.device)
            keep.append(u.double().log() < self.rule.log_accept(d, maxima[-1]))
        kept = spread(lambda i: x[i][keep[i]], len(sizes))
        return list(map(_Looked, sizes, kept, maxima[1:]))


class _Looked(NamedTuple):
    """A block of `n` proposals: those that are kept, and the running maximum with all of them."""

    n: int
    kept: Tensor
    highest: Tensor


class _Place:
    """Where one seed's proposals stand: how many were seen, kept and taken, the kept ones not taken, blocks ahead."""

    def __init__(self, source: Streams, log_M: Tensor) -> None:
        self.source, self.log_M = source, log_M
        self.seen = self.kept = self.taken = self.barren = 0
        self.waiting: list[Tensor] = []
        self.ahead: deque[_Looked] = deque()

    def add(self, x: Tensor, seen: int, log_M: Tensor) -> int:
        self.waiting.append(x)
        self.seen, self.kept, self.log_M = self.seen + seen, self.kept + len(x), log_M
        self.barren = 0 if len(x) else self.barren + seen
        return len(x)

    def take(self, first: int, n: int) -> Tensor:
        pool, skip = torch.cat(self.waiting), first - self.taken
        self.taken = first + n
        self.waiting = [pool[skip + n :].clone()]
        return pool[skip : skip + n]


def _late_maximum(moved: int, factor: float) -> Finding:
    saw = (
        f"The largest density ratio rose {moved} times while sampling: draws kept before were up to {factor:.2f} times "
        "too likely to be kept."
    )
    return Finding("maximum-moved", saw, "Use a longer burn-in.")


def _few_effective(effective: float, n: int) -> Finding:
    saw = f"Only {effective:.0f} of {n} proposals carry the estimates: the distortion and the maximum are too low."
    return Finding("few-effective", saw, "Use a longer burn-in, or train the model longer first.")
