"""Views of texts as ids of words (n, t): words left out, spans hidden, a piece of the text, neighbours swapped.

Ids of `padding` (0) fill rows up behind their last word; a view keeps them there, and the shape. No text is left
without a word.

    deletion   each word is dropped with probability ν                                              (1)
    cropping   a piece of the text, whose share of the words is uniform in a range                  (2)
    swapping   pairs of neighbours change places with probability ν                                 (3)
    masking    spans of words become one id; each word is hidden with probability ν                 (4)

Zhuofeng Wu et al. CLEAR: Contrastive Learning for Sentence Representation. 2020. https://arxiv.org/abs/2012.15466
(4) Mandar Joshi et al. SpanBERT: Improving Pre-training by Representing and Predicting Spans. 2019.
    https://arxiv.org/abs/1907.10529
"""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from likeness.data.view_parts import Source, check_p, check_range
from likeness.errors import InputError
from likeness.sampling import Streams

Texts = Int[Tensor, "n t"]


@runtime_checkable
class TextView(Protocol):
    """Another reading of each text; `generator` is a seed, `Streams`, or None for torch's state."""

    def __call__(self, x: Texts, *, generator: int | Streams | None = None) -> Texts: ...


def deletion(share: float = 0.2, *, padding: int = 0) -> TextView:
    """Raises InputError for a share outside [0, 1]."""
    check_p(share)

    def drop(x: Texts, source: Source) -> Texts:
        real, u = x != padding, source.uniform(x.shape[1])
        last = (u * real).argmax(1, keepdim=True)  # that one stays, so that some word does
        keep = (u >= share) | (torch.arange(x.shape[1], device=x.device) == last)  # (1)
        return packed(x, keep & real, padding)

    return _view(drop)


def cropping(low: float = 0.5, high: float = 1.0, *, padding: int = 0) -> TextView:
    """Raises InputError unless 0 < low ≤ high ≤ 1."""
    check_range("share", low, high, least=1e-6, most=1)

    def crop(x: Texts, source: Source) -> Texts:
        length = (x != padding).sum(1)
        many = (length * source.between(low, high)).round().clamp(min=1)  # (2)
        start = (source.uniform() * (length - many + 1)).floor().clamp(min=0)
        at = torch.arange(x.shape[1], device=x.device)
        keep = (at >= start[:, None]) & (at < (start + many)[:, None]) & (x != padding)
        return packed(x, keep, padding)

    return _view(crop)


def swapping(share: float = 0.1, *, padding: int = 0) -> TextView:
    """Pairs begin at even places in half of the texts, and at odd ones in the others.

    Raises:
        InputError: the share is outside [0, 1].
    """
    check_p(share)

    def swap(x: Texts, source: Source) -> Texts:
        at = torch.arange(x.shape[1], device=x.device).expand_as(x)
        first = (at + source.chosen(0.5)[:, None]) % 2 == 0
        both = (x != padding) & (x.roll(-1, 1) != padding) & (at < x.shape[1] - 1)
        move = first & both & (source.uniform(x.shape[1]) < share)  # (3)
        return x.gather(1, at + move.long() - move.roll(1, 1).long())

    return _view(swap)


def masking(share: float = 0.15, *, mask: int, length: int = 3, padding: int = 0) -> TextView:
    """Spans of `length` words, which may overlap and reach over the ends, become the id `mask`.

    Raises:
        InputError: the share is outside [0, 1], or the length below 1.
    """
    check_p(share)
    if length < 1:
        raise InputError(f"spans of {length} words: give one or more")
    begins = 1 - (1 - share) ** (1 / length)

    def hide(x: Texts, source: Source) -> Texts:
        starts = source.uniform(x.shape[1] + length - 1) < begins
        hidden = starts.unfold(1, length, 1).any(2)  # (4)
        return torch.where(hidden & (x != padding), mask, x)

    return _view(hide)


def packed(x: Texts, keep: Bool[Tensor, "n t"], padding: int) -> Texts:
    """The kept words side by side from the left, and padding behind them."""
    order = (~keep).long().argsort(dim=1, stable=True)
    return torch.where(keep.gather(1, order), x.gather(1, order), padding)


def chained(*views: TextView) -> TextView:
    """One after the other."""

    def chain(x: Texts, *, generator: int | Streams | None = None) -> Texts:
        source = Streams(generator) if isinstance(generator, int) else generator
        for view in views:
            x = view(x, generator=source)
        return x

    return chain


def _view(change: Callable[[Texts, Source], Texts]) -> TextView:
    def view(x: Tensor, *, generator: int | Streams | None = None) -> Tensor:
        if x.ndim != 2 or x.is_floating_point():
            raise InputError(f"a text view of {x.dtype} {tuple(x.shape)}: texts are whole numbers (n, t)")
        return change(x, Source(x, generator))

    return view
