"""Is it collapsing, is it oscillating, when do I stop: monitors that say in words what they saw and what to try.

    modes, best = Modes(truth.modes), Best(patience=10)
    for step in train(...):
        if step.iteration % 250 == 0:
            found = modes.update(draw(gan.sample, 2000, generator=0)) + best.update(score(gan), step.iteration)
            if best.improved: ...    save a checkpoint
            if best.stop: break

No quantity inside a game tells how good its samples are, so everything here looks at samples or at a judged
score. A monitor's whole state is its short history, which `state_dict` gives as plain numbers for a resume.
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import fmean, median

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.findings import Finding

WINDOW = 10  # looks back over so many updates


class Monitor:
    """Abstract: what was seen at each update, one row of numbers an update."""

    def __init__(self) -> None:
        self.history: list[list[float]] = []

    def state_dict(self) -> dict[str, list[list[float]]]:
        return {"history": [list(row) for row in self.history]}

    def load_state_dict(self, state: dict[str, list[list[float]]]) -> None:
        self.history = [list(row) for row in state["history"]]

    def column(self, i: int, last: int = 0) -> list[float]:
        """One number of each row, of the `last` rows or of all."""
        return [row[i] for row in self.history[-last:]]


class Modes(Monitor):
    """Counts the modes that hold samples, and notices a generator that runs from one to the next.

    A sample belongs to the nearest of `modes` (k, d): those of a known truth, or centres of clusters of the data.
    A mode is held by `share` of the samples; unless given, 2 % or a quarter of a fair share, the smaller.
    """

    def __init__(self, modes: Float[Tensor, "k d"], *, share: float | None = None) -> None:
        super().__init__()
        self.modes = modes
        self.share = min(0.02, 0.25 / len(modes)) if share is None else share

    @property
    def held(self) -> list[int]:
        """How many modes were held at each update."""
        return [int(n) for n in self.column(0)]

    @property
    def dominant(self) -> list[int]:
        """The mode with most samples at each update."""
        return [int(i) for i in self.column(1)]

    @property
    def changes(self) -> int:
        """How often the dominant mode was another one than at the update before."""
        return sum(a != b for a, b in pairwise(self.dominant))

    def update(self, x: Float[Tensor, "n d"]) -> list[Finding]:
        k = len(self.modes)
        nearest = torch.cdist(x, self.modes.to(x)).argmin(1)
        shares = torch.bincount(nearest, minlength=k) / len(x)
        self.history.append([float((shares >= self.share).sum()), float(shares.argmax()), float(shares.max())])
        return self._collapse(k) + self._chase(k)

    def _collapse(self, k: int) -> list[Finding]:
        held, mode, top = self.held[-1], self.dominant[-1], self.history[-1][2]
        if held == k:
            return []
        saw = f"{held} of {k} modes hold {self.share:.1%} of the samples or more; mode {mode} holds {top:.0%}."
        if held > k / 2:
            return [Finding("modes-missing", saw, "Train longer, or add an R1 penalty on the critic.")]
        remedy = "Add an R1 penalty, raise the critic's learning rate, or let the generator look ahead (unrolled)."
        return [Finding("mode-collapse", saw, remedy)]

    def _chase(self, k: int) -> list[Finding]:
        """Only a mode with twice its fair share dominates: among balanced modes the first changes by chance."""
        leaders = [int(mode) for _, mode, top in self.history[-WINDOW:] if top >= 2 / k]
        changes = sum(a != b for a, b in pairwise(leaders))
        if changes < WINDOW // 2:
            return []
        saw = f"The dominant mode changed {changes} times in the last {WINDOW} looks: the players chase each other."
        return [Finding("mode-chase", saw, "Add an R1 penalty and give the critic the generator's learning rate.")]


class Diversity(Monitor):
    """Compares the spread of samples with that of data, where no truth is known.

    `spread` is the mean distance between samples over that between data, `nearest` the same of the median distance
    to the nearest other one. Distances are between the rows of `features(x)`; at most `limit` rows are looked at.
    """

    def __init__(
        self,
        data: Float[Tensor, " n *event"],
        *,
        features: Callable[[Tensor], Tensor] = lambda x: x.flatten(1),
        limit: int = 512,
    ) -> None:
        super().__init__()
        self.features, self.rows = features, features(data[:limit])

    def update(self, x: Float[Tensor, " n *event"]) -> list[Finding]:
        n = min(len(x), len(self.rows))
        (spread, nearest), (spread_data, nearest_data) = spreads(self.features(x[:n])), spreads(self.rows[:n])
        self.history.append([_ratio(spread, spread_data), _ratio(nearest, nearest_data)])
        return self._findings(*self.history[-1])

    def _findings(self, spread: float, nearest: float) -> list[Finding]:
        found = []
        if spread < 0.5:
            saw = f"Samples are {spread:.0%} as far apart as data: the generator makes few kinds of them."
            found.append(Finding("diversity-low", saw, "Add an R1 penalty or minibatch standard deviation."))
        elif nearest < 0.3:
            saw = f"The nearest other sample is {nearest:.0%} as far away as among data: many are near-copies."
            found.append(Finding("near-copies", saw, "Add minibatch standard deviation, or a larger latent vector."))
        if spread > 2:
            saw = f"Samples are {spread:.1f} times as far apart as data: the generator has left their range."
            found.append(Finding("diversity-high", saw, "Lower the generator's learning rate, or penalise the critic."))
        return found


class Saturation(Monitor):
    """Watches the critic's loss (its term of a step, or a mean of them) go to zero: then the generator starves.

    For losses bounded below by zero: cross-entropies (log 4 is chance), hinge (2 is chance), relativistic.
    """

    def __init__(self, floor: float = 0.05) -> None:
        super().__init__()
        self.floor = floor

    def update(self, critic: float | Tensor) -> list[Finding]:
        self.history.append([float(critic)])
        recent = self.column(0, last=WINDOW // 2)
        if len(recent) < WINDOW // 2 or fmean(recent) >= self.floor:
            return []
        saw = f"The critic's loss is {fmean(recent):.3f}: it tells every sample from data, and the generator starves."
        return [Finding("critic-saturated", saw, "Add an R1 penalty or instance noise, or slow the critic down.")]


class Oscillation(Monitor):
    """Watches a judged score (lower or higher is better, alike) swing to and fro instead of settling."""

    def __init__(self, tolerance: float = 0.2) -> None:
        super().__init__()
        self.tolerance = tolerance

    def update(self, score: float | Tensor) -> list[Finding]:
        self.history.append([float(score)])
        recent = self.column(0, last=WINDOW)
        turns = swings(recent, self.tolerance * median(abs(s) for s in recent))
        if turns < WINDOW // 3:
            return []
        saw = f"In the last {len(recent)} looks the score turned back {turns} times by over {self.tolerance:.0%}."
        remedy = "Draw from the averaged generator, lower both learning rates, or add an R1 penalty."
        return [Finding("oscillation", saw, remedy)]


class Best(Monitor):
    """Keeps the best judged score: when to save a checkpoint, and when to stop.

    After an update `improved` tells that this score is the best so far, and `stop` that `patience` updates
    have passed without one. The score is of samples (a Fréchet distance, say), never of the game's losses.
    """

    def __init__(self, *, patience: int = 10, higher: bool = False) -> None:
        super().__init__()
        self.patience, self.sign = patience, -1 if higher else 1

    def update(self, score: float | Tensor, iteration: int) -> list[Finding]:
        """`iteration` is remembered with the score; a score that is not a number is never the best."""
        self.history.append([float(score), float(iteration)])
        if not self.stop:
            return []
        value, at = self.best
        saw = f"The score has not improved in {self.patience} looks: the best was {value:.4g} at step {at:.0f}."
        return [Finding("stop", saw, "Stop and use the checkpoint of that step.")]

    @property
    def best(self) -> tuple[float, int]:
        """The best score and its iteration."""
        value, iteration = self.history[self._place()]
        return value, int(iteration)

    @property
    def improved(self) -> bool:
        return bool(self.history) and self._place() == len(self.history) - 1 and not math.isnan(self.history[-1][0])

    @property
    def stop(self) -> bool:
        return bool(self.history) and len(self.history) - 1 - self._place() >= self.patience

    def _place(self) -> int:
        keys = [self.sign * s if not math.isnan(s) else math.inf for s in self.column(0)]
        return keys.index(min(keys))


def spreads(x: Float[Tensor, "n d"]) -> tuple[float, float]:
    """Mean distance between two rows, and median distance from a row to its nearest other one."""
    d = torch.cdist(x, x)
    n = len(x)
    mean = d.sum() / (n * (n - 1))
    return float(mean), float(d.fill_diagonal_(torch.inf).min(1).values.median())


def swings(scores: Sequence[float], threshold: float) -> int:
    """How often a series turns back by more than the threshold from its last high or low."""
    turns, direction = 0, 0
    high = low = scores[0]
    for s in scores:
        high, low = max(high, s), min(low, s)
        down, up = direction >= 0 and high - s > threshold, direction <= 0 and s - low > threshold
        if down or up:
            turns += direction != 0
            direction, high, low = (-1 if down else 1), s, s
    return turns


def _ratio(a: float, b: float) -> float:
    """a / b; one where the data give nothing to compare with (b = 0)."""
    return a / b if b > 0 else 1.0
