"""What a method learns from and what a split is: the two values that every other room knows."""

from typing import NamedTuple, Protocol, runtime_checkable

from torch import Tensor


class Batch(NamedTuple):
    """Samples `x` (n, *event), labels `y` (n,) int64 where there are any, and their places in the split."""

    x: Tensor
    y: Tensor | None = None
    index: Tensor | None = None  # type: ignore[assignment]  # hides tuple.index, which nobody misses


@runtime_checkable
class Split(Protocol):
    """A part of a data set that can be indexed: `split[index]` is the batch at those places, in one go."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: Tensor) -> Batch: ...
