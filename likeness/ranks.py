"""Which part of a batch this process has, so that N processes learn and draw what one would.

A batch of n samples is cut into parts of n_r samples: one a process (rank), or one a piece of an accumulated
gradient. Every part has the objective L_r, and what is minimised is

    L = Σ_r w_r L_r,    w_r = n_r / n                                                             (1)

so that a mean over samples needs no thought. What looks at the batch as a whole asks for it: `total` and
`batch_mean` sum over all parts, `gather` returns the rows of all, and gradients go through them (twice, if need be):

    y = Σ_r x_r    ⟹    ∂L/∂x_r = Σ_s ∂(w_s L_s)/∂y                                               (2)

What an objective differentiates inside itself (the slope of a critic) has to be a sum over samples, which needs no
weights.

Random numbers of samples are drawn for the whole batch, of which each part keeps its rows (`per_sample`): every
process holds the same random state, and noise belongs to its sample instead of its process.

Shen Li et al. PyTorch Distributed: Experiences on Accelerating Data Parallel Training. 2020.
https://arxiv.org/abs/2006.15704
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor

from likeness.errors import InputError

T = TypeVar("T")


class Part(NamedTuple):
    """The samples `start` … `start + n - 1` of the `total` of a batch."""

    start: int
    n: int
    total: int
    last: bool = True  # of the pieces of this process

    @property
    def weight(self) -> float:
        return self.n / self.total  # (1)

    @property
    def whole(self) -> bool:
        return self.n == self.total


class World:
    """The processes that work together; this class is one process alone.

    All of them call `sum`, `collect` and `objects` in the same order. `batch_size` is that of all together; where it
    is not given, every step asks.
    """

    rank, size = 0, 1
    batch_size: int | None = None

    def sum(self, x: Tensor) -> Tensor:
        """The sum over the processes, in place of `x` where that is possible."""
        return x

    def collect(self, x: Tensor) -> list[Tensor]:
        """The tensor of every process, which may differ in the length of the first dimension."""
        return [x]

    def objects(self, value: T) -> list[T]:
        """The value of every process."""
        return [value]

    def part(self, n: int) -> Part:
        """This process's part of `n` samples."""
        start, stop = (n * r // self.size for r in (self.rank, self.rank + 1))
        return Part(start, stop - start, n)

    def part_of(self, n: int) -> Part:
        """The part of a batch that the `n` samples of this process are.

        Raises:
            InputError: the processes hold other parts than `part` gives them.
        """
        if self.size == 1:
            return Part(0, n, n)
        found = self.part(self.batch_size or int(self.sum(torch.tensor(n))))
        if found.n != n or n == 0:
            raise InputError(
                f"process {self.rank} holds {n} samples of a batch of {found.total}, its part is {found.n}: "
                "give each process its rows of the batch, one or more"
            )
        return found


class _Here(threading.local):
    world: World = World()
    part: Part | None = None


_here = _Here()


def world() -> World:
    """The processes that this one works with; itself alone if nobody said otherwise."""
    return _here.world


@contextmanager
def using(world: World) -> Iterator[World]:
    """Work together with these processes."""
    before, _here.world = _here.world, world
    try:
        yield world
    finally:
        _here.world = before


@contextmanager
def holding(part: Part | None) -> Iterator[None]:
    """What follows is about this part of the batch."""
    before, _here.part = _here.part, part
    try:
        yield
    finally:
        _here.part = before


def held() -> Part | None:
    """The part of the batch that what runs now is about."""
    return _here.part


def per_sample(n: int, draw: Callable[[int], Tensor]) -> Tensor:
    """Random numbers for the `n` samples at hand: `draw` makes them for n samples, as `torch.randn(n, d)` does.

    In a part of a batch it makes them for all its samples, of which those of this part are kept; `n` may count every
    sample k times.

    Raises:
        InputError: `n` is no multiple of the number of samples in the part.
    """
    part = _here.part
    if part is None or part.whole:
        return draw(n)
    each, rest = divmod(n, part.n)
    if rest:
        raise InputError(f"random numbers for {n} rows, the part has {part.n} samples: draw a whole number for each")
    return draw(part.total * each)[part.start * each : (part.start + part.n) * each]


def noise_like(x: Tensor) -> Tensor:
    """Standard normal numbers for the samples of `x`, in its shape."""
    return per_sample(len(x), lambda n: torch.randn(n, *x.shape[1:], dtype=x.dtype, device=x.device))


def ends_batch() -> bool:
    """Whether this is the time for what is done once a batch in the body of `updates`, such as a teacher that follows.

    The body runs for every piece of an accumulated gradient; this is true for the last of them.
    """
    return _here.part is None or _here.part.last


def divided() -> bool:
    """Whether what is at hand is only a part of the batch."""
    return _here.part is not None and not _here.part.whole


def whole_batch(n: int) -> int:
    """How many rows the whole batch has, of which `n` are at hand, as many for each sample of the part."""
    return n if _here.part is None else n * _here.part.total // _here.part.n


def batch_mean(x: Tensor) -> Tensor:
    """The mean over the samples (the first dimension) of the whole batch; gradients reach every part.

    Raises:
        InputError: the batch is cut into pieces of an accumulated gradient.
    """
    part = _here.part
    return x.mean(0) if part is None or part.whole else total(x.sum(0)) / whole_batch(len(x))


def total(x: Tensor) -> Tensor:
    """The sum over all parts of the batch; gradients reach every part.

    Raises:
        InputError: the batch is cut into pieces of an accumulated gradient.
    """
    part = _here.part
    return x if part is None or part.whole else _Total.apply(x, _together(part))


def gather(x: Tensor) -> Tensor:
    """The rows of all parts of the batch, in its order; gradients reach every part.

    Raises:
        InputError: the batch is cut into pieces of an accumulated gradient.
    """
    part = _here.part
    return x if part is None or part.whole else _Gather.apply(x, _together(part), part)


def _together(part: Part) -> World:
    if _here.world.size == 1 or _here.world.part(part.total) != part:
        raise InputError(
            "this loss looks at the whole batch (statistics of the batch, or pairs of samples), so its gradient cannot "
            "be accumulated over pieces: leave --accumulate out and use smaller batches, or more processes"
        )
    return _here.world


class _Total(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, world: World) -> Tensor:
        ctx.world = world
        return world.sum(x.clone(memory_format=torch.contiguous_format))

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        return _Total.apply(g, ctx.world), None  # (2)


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, world: World, part: Part) -> Tensor:
        ctx.world, ctx.part = world, part
        return torch.cat(world.collect(x.contiguous()))

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        part = ctx.part
        return _Total.apply(g, ctx.world)[part.start : part.start + part.n], None, None  # (2)


Piece = tuple[Part | None, Any]  # None: it is the whole batch


def pieces(batch: Any, accumulate: int) -> list[Piece]:
    """What this process learns from, cut into so many pieces, and which part of the whole batch each of them is.

    Raises:
        InputError: there are fewer samples than pieces, or not those that belong to this process.
    """
    if accumulate == 1 and world().size == 1:
        return [(None, batch)]
    n = length(batch)
    if not 1 <= accumulate <= n:
        raise InputError(f"accumulate {accumulate}: a batch of {n} samples is cut into 1 to {n} pieces")
    mine = _here.world.part_of(n)
    ends = [n * i // accumulate for i in range(accumulate + 1)]
    return [(Part(mine.start + a, b - a, mine.total, b == n), rows(batch, a, b)) for a, b in pairwise(ends)]


def rows(batch: Any, start: int, stop: int) -> Any:
    """The samples `start` … `stop - 1` of a batch: of a tensor, or of every tensor in a tuple, list or mapping."""
    if isinstance(batch, Tensor):
        return batch[start:stop]
    if isinstance(batch, dict):
        return {name: rows(value, start, stop) for name, value in batch.items()}
    if isinstance(batch, tuple | list):
        parts = [rows(value, start, stop) for value in batch]
        return type(batch)(*parts) if hasattr(batch, "_fields") else type(batch)(parts)
    return batch


def length(batch: Any) -> int:
    """How many samples a batch has: the length of the first tensor in it.

    Raises:
        InputError: there is no tensor in it.
    """
    found = _tensor(batch)
    if found is None:
        raise InputError(f"a batch of type {type(batch).__name__} holds no tensor, so it cannot be cut into parts")
    return len(found)


def _tensor(batch: Any) -> Tensor | None:
    if isinstance(batch, Tensor):
        return batch
    inner = batch.values() if isinstance(batch, dict) else batch if isinstance(batch, tuple | list) else ()
    return next((found for value in inner if (found := _tensor(value)) is not None), None)
