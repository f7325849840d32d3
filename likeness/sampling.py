"""Drawing: what a sampler is, and random numbers that belong to a sample instead of a batch.

A sampler is a callable `sample(n, *, generator=None) -> Tensor` of shape `(n, *event)`. With a seed, sample
*i* is a function of the seed and of *i* alone, so that draws are the same whatever the batch size and however
many processes share the work. (Floating-point sums inside a network may still differ in the last digits
between batch sizes.) `Streams` gives every sample its own stream from the counter-based generator Philox:
the key is the seed and the number of the call, the counter is the place of the sample.

John K. Salmon, Mark A. Moraes, Ron O. Dror, David E. Shaw. Parallel Random Numbers: As Easy as 1, 2, 3. 2011.
https://doi.org/10.1145/2063384.2063405
"""

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from likeness.errors import InputError
from likeness.ranks import world
from likeness.spread import spread


@runtime_checkable
class Sampler(Protocol):
    """Draws `n` samples of shape `(n, *event)`; `generator` is a seed, `Streams`, or None for torch's state."""

    def __call__(self, n: int, *, generator: "int | Streams | None" = None) -> Tensor: ...


class Streams:
    """One independent random stream a sample, for the samples `first`, `first + 1`, …

    Every call draws fresh numbers for the same samples; calls are counted, so code that makes the same calls in
    the same order gets the same numbers for sample *i* in whichever batch it is drawn.
    """

    def __init__(self, seed: int, first: int = 0, path: tuple[int | str, ...] = ()) -> None:
        self.seed, self.first, self.path = int(seed), int(first), path
        self._calls = 0

    def at(self, first: int) -> "Streams":
        """The same streams, from the sample `first` on, with the calls counted from zero."""
        return Streams(self.seed, first, self.path)

    def split(self, *name: int | str) -> "Streams":
        """Other streams for the same samples, independent of these and of every other name."""
        return Streams(self.seed, self.first, (*self.path, *name))

    def uniform(self, n: int, *shape: int, device: torch.device | str = "cpu") -> Tensor:
        """`(n, *shape)` float32 in the open interval (0, 1)."""
        words = self._words(n, math.prod(shape))
        return ((words >> 9).float() + 0.5).mul_(2.0**-23).reshape(n, *shape).to(device)

    def normal(self, n: int, *shape: int, device: torch.device | str = "cpu") -> Tensor:
        """`(n, *shape)` float32 standard normal (Box and Muller's transform)."""
        size = math.prod(shape)
        words = self._words(n, size + size % 2)
        radius = (words[:, 0::2].double().add_(0.5)).mul_(2.0**-32).log_().mul_(-2).sqrt_().float()
        angle = words[:, 1::2].float().mul_(2 * math.pi * 2.0**-32)
        pairs = torch.stack((radius * angle.cos(), radius * angle.sin()), dim=-1)
        return pairs.flatten(1)[:, :size].reshape(n, *shape).to(device)

    def integers(self, n: int, high: int, *shape: int, device: torch.device | str = "cpu") -> Tensor:
        """`(n, *shape)` int64, each uniform on 0 … high - 1."""
        words = self._words(n, math.prod(shape))
        return ((words * high) >> 32).reshape(n, *shape).to(device)  # a bias below high / 2³²

    def _words(self, n: int, size: int) -> Tensor:
        """`(n, size)` int64 with 32 random bits each: row r belongs to the sample first + r."""
        name = repr((self.seed, self.path, self._calls)).encode()
        self._calls += 1
        blocks = max(1, -(-size // 8))  # one block of Philox is 4 words of 64 bits, 8 of 32
        key = np.frombuffer(hashlib.blake2b(name, digest_size=16).digest(), np.uint64)
        raw = np.random.Philox(key=key, counter=self.first * blocks).random_raw(n * blocks * 4)
        halves = torch.from_numpy(raw.astype("<u8", copy=False).view(np.int32))
        return halves.reshape(n, blocks * 8)[:, :size].long() & 0xFFFFFFFF


def streams(generator: int | Streams | None) -> Streams:
    """Streams from a seed; from nothing, a seed drawn from torch's own state, so that `manual_seed` holds."""
    if isinstance(generator, Streams):
        return generator
    return Streams(int(torch.randint(2**62, ())) if generator is None else generator)


Ask = tuple[int, Streams]  # how many samples, and whose


@runtime_checkable
class Together(Protocol):
    """A sampler that shares its own work out among processes, such as one whose draws hang together.

    `several` gives what a call for each of the parts gives; all processes call it, and each gets all of it.
    """

    def several(self, parts: Sequence[Ask]) -> list[Tensor]: ...


def several(sampler: Sampler, parts: Sequence[Ask]) -> list[Tensor]:
    """`sampler(n, generator=source)` for each of the parts, each called by one process and given to all."""
    if isinstance(sampler, Together):
        return sampler.several(parts)
    return spread(lambda i: sampler(parts[i][0], generator=parts[i][1]), len(parts))


def agreed(generator: int | Streams | None) -> Streams:
    """The streams of the first process, on all of them: without a seed each would draw one of its own."""
    source = streams(generator)
    return world().objects(source)[0] if generator is None else source


def draw(
    sampler: Sampler,
    n: int,
    *,
    generator: int | Streams | None = None,
    batch_size: int = 1024,
    told: Callable[[int, int], object] | None = None,
) -> Tensor:
    """`n` samples on the CPU, drawn `batch_size` at a time without gradients; the size does not change them.

    Several processes share the batches, and each gets all of them. `told` is called after each with (drawn so far, n).

    Raises:
        InputError: `n` is below one.
    """
    parts: list[Tensor] = []
    for x in draw_batches(sampler, n, generator=generator, batch_size=batch_size):
        parts.append(x)
        if told is not None:
            told(sum(map(len, parts)), n)
    return torch.cat(parts)


def draw_batches(
    sampler: Sampler, n: int, *, generator: int | Streams | None = None, batch_size: int = 1024
) -> Iterator[Tensor]:
    """The batches of `draw`, one by one, so that a caller can show progress or write them as they come."""
    if n < 1:
        raise InputError(f"cannot draw {n} samples: ask for one or more")
    source = agreed(generator)
    parts = [(min(batch_size, n - start), source.at(source.first + start)) for start in range(0, n, batch_size)]
    at_once = world().size
    for first in range(0, len(parts), at_once):
        with torch.no_grad():
            batches = [x.cpu() for x in several(sampler, parts[first : first + at_once])]
        yield from batches


class Rows:
    """A sampler that hands out the rows of a tensor in their order: samples on file, to refine or to judge.

    Row *i* is sample *i*, each at most once, so the draws are as independent as the rows are.
    """

    def __init__(self, x: Tensor) -> None:
        self.x = x

    def __len__(self) -> int:
        return len(self.x)

    def __call__(self, n: int, *, generator: int | Streams | None = None) -> Tensor:
        """Raises InputError where fewer than `n` rows are left."""
        first = generator.first if isinstance(generator, Streams) else 0
        if first + n > len(self.x):
            raise InputError(f"the file holds {len(self.x)} samples, {first + n} were asked for: supply more samples")
        return self.x[first : first + n]

    def several(self, parts: Sequence[Ask]) -> list[Tensor]:
        """Every process has the rows already."""
        return [self(n, generator=source) for n, source in parts]


class Mapped:
    """A sampler whose draws are `function` of the draws of another one."""

    def __init__(self, sampler: Sampler, function: Callable[[Tensor], Tensor]) -> None:
        self.sampler, self.function = sampler, function

    def __call__(self, n: int, *, generator: int | Streams | None = None) -> Tensor:
        return self.function(self.sampler(n, generator=generator))

    def several(self, parts: Sequence[Ask]) -> list[Tensor]:
        if isinstance(self.sampler, Together):
            return [self.function(x) for x in self.sampler.several(parts)]
        return spread(lambda i: self(parts[i][0], generator=parts[i][1]), len(parts))


mapped = Mapped  # a verb reads better where samplers are composed
