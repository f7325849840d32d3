"""What a view is made of: motions of the pixels, changes of their values, and how they follow each other.

A view is a function of a batch of images, `view(x, *, generator=None)`, from (n, c, h, w) to (n, c, h', w') in
[-1, 1], which treats each sample differently. With a seed, sample *i* depends on the seed and on *i* alone; without
one, numbers come from torch's state and belong to their sample (`likeness.ranks`). Every part draws for all samples and
is then done to those that it falls on, so that no sample has a say in what another gets.

Motions side by side are folded into one: the pixels are read once, and blurred once.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from likeness.data.warps import Size, resize_boxes, sample
from likeness.errors import InputError
from likeness.ranks import per_sample
from likeness.sampling import Streams, streams


@runtime_checkable
class View(Protocol):
    """Another look at each image, in [-1, 1]; `generator` is a seed, `Streams`, or None for torch's state."""

    def __call__(self, x: Tensor, *, generator: int | Streams | None = None) -> Tensor: ...


class Source:
    """Random numbers of the samples of `x`, in its type and on its device: one row a sample."""

    def __init__(self, x: Tensor, generator: int | Streams | None = None) -> None:
        self.n, self.device = len(x), x.device
        self.dtype = x.dtype if x.is_floating_point() else torch.float32
        self._streams = None if generator is None else streams(generator)

    def uniform(self, *shape: int) -> Tensor:
        """(n, *shape) in [0, 1]."""
        if self._streams is not None:
            return self._streams.uniform(self.n, *shape, device=self.device).to(self.dtype)
        return per_sample(self.n, lambda n: torch.rand(n, *shape, dtype=self.dtype, device=self.device))

    def normal(self, *shape: int) -> Tensor:
        """(n, *shape), standard normal."""
        if self._streams is not None:
            return self._streams.normal(self.n, *shape, device=self.device).to(self.dtype)
        return per_sample(self.n, lambda n: torch.randn(n, *shape, dtype=self.dtype, device=self.device))

    def between(self, low: float, high: float, *shape: int) -> Tensor:
        """(n, *shape), uniform."""
        return low + (high - low) * self.uniform(*shape)

    def chosen(self, p: float) -> Tensor:
        """(n,) true with probability p."""
        return self.uniform() < p if 0 < p < 1 else torch.full((self.n,), p == 1, device=self.device)


@dataclass(frozen=True)
class Motion:
    """Moves pixels.

    `draw(source, size)` gives the warp of each sample (`likeness.data.warps`) for images of that height and width.
    `size` is that of the result, or None where it stays. `boxes`: all warps are upright boxes within the image.
    `keeps_order`: nothing moves along the width by more than a twentieth of it.
    """

    draw: Callable[[Source, Size], Tensor]
    size: Size | None = None
    p: float = 1.0
    boxes: bool = False
    keeps_order: bool = True

    def __post_init__(self) -> None:
        check_p(self.p)

    def __call__(self, x: Tensor, *, generator: int | Streams | None = None) -> Tensor:
        return chain(self)(x, generator=generator)

    def warp(self, source: Source, size: Size) -> Tensor:
        """Its own warp for the samples that it falls on, and none for the others."""
        warp = self.draw(source, size)
        return warp if self.p == 1 else only(source.chosen(self.p), warp)


def only(hit: Tensor, warp: Tensor) -> Tensor:
    """The warps of these samples, and none for the others."""
    still = torch.zeros_like(warp) if warp.ndim == 4 else torch.eye(3, dtype=warp.dtype, device=warp.device)
    return torch.where(hit.view(-1, *[1] * (warp.ndim - 1)), warp, still)


@dataclass(frozen=True)
class Change:
    """Changes the values of pixels, whose places stay.

    `draw(source, shape)` gives what varies, a tuple of tensors with one row a sample (or of such tuples), where a
    sample has that shape; `apply(x, drawn)` is the change, for some of the samples and their rows, and may write
    into x.
    """

    draw: Callable[[Source, Sequence[int]], tuple[Any, ...]]
    apply: Callable[[Tensor, tuple[Any, ...]], Tensor]
    p: float = 1.0
    keeps_order: bool = True

    def __post_init__(self) -> None:
        check_p(self.p)

    def __call__(self, x: Tensor, *, generator: int | Streams | None = None) -> Tensor:
        return chain(self)(x, generator=generator)

    def change(self, x: Tensor, source: Source) -> Tensor:
        """May write into x."""
        drawn = self.draw(source, x.shape[1:])
        return self.apply(x, drawn) if self.p == 1 else on_some(x, source.chosen(self.p), self.apply, drawn)


Part = Motion | Change


def sometimes(part: Part, p: float) -> Part:
    """The part, done to each sample with probability p on top of its own."""
    check_p(p)
    return replace(part, p=part.p * p)


def on_some(
    x: Tensor, chosen: Tensor, apply: Callable[[Tensor, tuple[Any, ...]], Tensor], drawn: tuple[Any, ...]
) -> Tensor:
    """`apply` done to the chosen samples, in place."""
    at = chosen.nonzero()[:, 0]
    return x if len(at) == 0 else x.index_copy_(0, at, apply(x.index_select(0, at), _rows(drawn, at)))


def shuffled(changes: Sequence[Change], *, p: float = 1.0) -> Change:
    """The changes one after the other, in an order of its own for each sample."""
    check_p(p)
    k = len(changes)

    def draw(source: Source, shape: Sequence[int]) -> tuple[Any, ...]:
        hit = source.chosen(p)
        own = tuple((source.chosen(c.p) & hit, c.draw(source, shape)) for c in changes)
        return source.uniform(k).argsort(1), own

    def apply(x: Tensor, drawn: tuple[Any, ...]) -> Tensor:
        order, own = drawn
        for turn in range(k):
            for i, (hit, given) in enumerate(own):
                on_some(x, (order[:, turn] == i) & hit, changes[i].apply, given)
        return x

    return Change(draw, apply, keeps_order=all(c.keeps_order for c in changes))


def _rows(drawn: Any, at: Tensor) -> Any:
    return drawn.index_select(0, at) if isinstance(drawn, Tensor) else tuple(_rows(d, at) for d in drawn)


class Chain:
    """Parts one after the other; a view. Motions side by side are one, and `beyond` is what lies outside the image."""

    def __init__(self, parts: Iterable[Part], *, beyond: float | None = None) -> None:
        self.parts, self.beyond = tuple(parts), beyond

    @property
    def keeps_order(self) -> bool:
        return all(part.keeps_order for part in self.parts)

    def __call__(self, x: Tensor, *, generator: int | Streams | None = None) -> Tensor:
        """Raises InputError where x is no batch of images."""
        check_images(x)
        source = Source(x, generator)
        if not self.parts or isinstance(self.parts[0], Change):  # a motion makes a new tensor, a change may not
            x = x.clone(memory_format=torch.contiguous_format)
        for moving, group in groupby(self.parts, lambda part: isinstance(part, Motion)):
            if moving:
                x = moved(x, list(group), source, self.beyond)  # type: ignore[arg-type]
            else:
                for part in group:
                    x = part.change(x, source)  # type: ignore[union-attr]
        return x.clamp_(-1, 1)  # rounding may have carried a pixel over


def chain(*parts: Part, beyond: float | None = None) -> Chain:
    """The view that does these parts in turn.

    `beyond` is the value outside the image, such as -1 for strokes on black; None repeats the edge.
    """
    return Chain(parts, beyond=beyond)


def moved(
    x: Tensor, motions: Sequence[Motion], source: Source, beyond: float | None = None, hit: Tensor | None = None
) -> Tensor:
    """Moved by all of them at once, where a row of `hit` (n, k) says which of them fall on a sample."""
    size, warps = (x.shape[2], x.shape[3]), []
    for i, motion in enumerate(motions):
        warp = motion.warp(source, size)
        warps.append(warp if hit is None else only(hit[:, i], warp))
        size = motion.size or size
    return resize_boxes(x, warps, size) if all(m.boxes for m in motions) else sample(x, warps, size, beyond)


def check_images(x: Tensor) -> None:
    """Raises InputError where x is no batch of images."""
    if x.ndim != 4 or not x.is_floating_point():
        raise InputError(f"views of {x.dtype} {tuple(x.shape)}: images are floats (n, c, h, w) in [-1, 1]")


def check_p(p: float) -> None:
    """Raises InputError for a probability outside [0, 1]."""
    if not 0 <= p <= 1:
        raise InputError(f"p {p:g}: the probability that a sample is hit is from 0 to 1")


def check_range(name: str, low: float, high: float, *, least: float, most: float = float("inf")) -> None:
    """Raises InputError unless least ≤ low ≤ high ≤ most."""
    if not least <= low <= high <= most:
        upper = "" if most == float("inf") else f", at most {most:g}"
        raise InputError(f"{name} from {low:g} to {high:g}: give two rising numbers, at least {least:g}{upper}")
