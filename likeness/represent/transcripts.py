"""How right readings are: edits between two texts, and what is told of many.

    D(i, j) = min(D(i−1, j) + 1, D(i, j−1) + 1, D(i−1, j−1) + [a_i ≠ b_j])                          (1)
    character error rate = Σ edits / Σ characters of the true texts,   above 1 where too much is read   (2)

Texts are ids (n, length), filled up with `PAD` (`likeness.data.lines`); whatever is no character there, such as
`UNKNOWN`, is equal to no reading.

Vladimir Levenshtein. Binary codes capable of correcting deletions, insertions and reversals. 1966.
https://nymity.ch/sybilhunting/pdf/Levenshtein1966a.pdf
"""

from typing import NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor

from likeness.data.lines import PAD
from likeness.errors import InputError


class Reading(NamedTuple):
    """Shares of texts read without an error, and with one edit or none; the character error rate; how many texts."""

    words: float
    within_one: float
    cer: float
    n: int


def lengths(y: Int[Tensor, "n length"]) -> Int[Tensor, " n"]:
    """Characters of each text."""
    return (y != PAD).sum(1)


def edits(a: Int[Tensor, "n k"], b: Int[Tensor, "n m"]) -> Int[Tensor, " n"]:
    """The least number of insertions, deletions and replacements from each text of `a` to that of `b`."""
    n, m = b.shape
    j, size, until = torch.arange(m + 1, device=b.device), lengths(a), lengths(b)
    row = j.expand(n, -1)
    for i in range(a.shape[1]):
        change = row[:, :-1] + ((a[:, i, None] != b) | (b < 0)).long()
        best = torch.cat((row[:, :1] + 1, torch.minimum(row[:, 1:] + 1, change)), 1)
        new = (best - j).cummin(1).values + j  # (1): the insertions of a row are one running minimum
        row = torch.where((i < size)[:, None], new, row)
    return row.gather(1, until[:, None]).squeeze(1)


def reading(found: Int[Tensor, "n k"], true: Int[Tensor, "n m"]) -> Reading:
    """What is told of readings beside the true texts.

    Raises:
        InputError: there is no text.
    """
    if not len(true):
        raise InputError("no text to hold a reading against: give one or more")
    wrong, characters = edits(found, true), int(lengths(true).sum())
    cer = float(wrong.sum()) / max(1, characters)  # (2)
    return Reading(float((wrong == 0).double().mean()), float((wrong <= 1).double().mean()), cer, len(true))
