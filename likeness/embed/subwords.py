"""Parts of words: the runs of letters in a word between its borders, and a bucket for each of them.

"apple" is written "<apple>"; its parts of 3 to 6 letters are <ap, app, ppl, ple, le>, <app, …, pple>, 14 in all, and
the whole "<apple>" is one more. Parts share buckets where their hashes fall together (FNV-1a, as in fastText, so a
bucket is the same on every machine); the whole word has a row of its own.

Piotr Bojanowski, Edouard Grave, Armand Joulin, Tomas Mikolov. Enriching Word Vectors with Subword Information. 2017.
https://arxiv.org/abs/1607.04606
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from likeness.errors import InputError


def parts(word: str, low: int = 3, high: int = 6) -> list[str]:
    """The parts of a word of `low` to `high` letters, the shorter first; without the whole.

    Raises:
        InputError: the word is empty, or the lengths are none.
    """
    if not word:
        raise InputError("an empty word has no parts: give one with letters")
    if not 1 <= low <= high:
        raise InputError(f"parts of {low} to {high} letters: give two lengths, the smaller first, of 1 or more")
    text = f"<{word}>"
    return [text[i : i + n] for n in range(low, min(high, len(text) - 1) + 1) for i in range(len(text) - n + 1)]


def bucket(part: str, buckets: int) -> int:
    """FNV-1a of its UTF-8, of 32 bits, modulo the number of buckets."""
    h = 2166136261
    for byte in part.encode():
        h = ((h ^ byte) * 16777619) & 0xFFFFFFFF
    return h % buckets


def table(words: Sequence[str], buckets: int, low: int = 3, high: int = 6) -> Int[Tensor, "v m"]:
    """Rows of the parts of every word, then its own; filled up with 0, a row that stands for nothing.

    Row 0 is empty, 1 … buckets are the buckets, and buckets + 1 + i is the i-th word's own.
    """
    rows = [[1 + bucket(p, buckets) for p in parts(word, low, high)] for word in words]
    made = np.zeros((len(rows), 1 + max(map(len, rows), default=0)), np.int64)
    for i, found in enumerate(rows):
        made[i, : len(found) + 1] = [buckets + 1 + i, *found]
    return torch.from_numpy(made)
