"""What a text repeats: of itself, of the others drawn with it, and of what the model has learned from.

    repeated  = share of n-grams of a sequence that stand in it before                (1)
    distinct  = different n-grams of all sequences / all of them                      (2)
    copied    = share of n-grams that stand in the training text                      (3)

Ari Holtzman, Jan Buys, Li Du, Maxwell Forbes, Yejin Choi. The Curious Case of Neural Text Degeneration. 2020.
https://arxiv.org/abs/1904.09751
Jiwei Li et al. A Diversity-Promoting Objective Function for Neural Conversation Models. 2016 (distinct-n).
https://arxiv.org/abs/1510.03055
"""

from collections.abc import Sequence
from typing import NamedTuple

LONG, SHORT = 20, 3


class Repetition(NamedTuple):
    """Means over texts; `longest` is the greatest length that stands twice in one text."""

    repeated: float
    longest: float
    distinct: float
    copied: float


def grams(text: Sequence, n: int) -> list:
    """All n-grams in their order."""
    return [tuple(text[i : i + n]) if not isinstance(text, str) else text[i : i + n] for i in range(len(text) - n + 1)]


def repeated(text: Sequence, n: int = LONG) -> float:
    """The share of n-grams that stand in the text before; 0 for texts of fewer."""
    found = grams(text, n)
    return 1 - len(set(found)) / len(found) if found else 0.0  # (1)


def longest(text: Sequence) -> int:
    """The length of the longest part that begins at two places of the text."""
    low, high = 0, len(text)
    while high - low > 1:  # what stands twice, its beginnings do too
        middle = (low + high) // 2
        low, high = (middle, high) if repeated(text, middle) > 0 else (low, middle)
    return low


def distinct(texts: Sequence[Sequence], n: int = SHORT) -> float:
    """Different n-grams among all."""
    found = [g for text in texts for g in grams(text, n)]
    return len(set(found)) / len(found) if found else 1.0  # (2)


def copied(texts: Sequence[Sequence], train: Sequence, n: int = LONG) -> float:
    """The share of n-grams that the training text has too."""
    known, found = set(grams(train, n)), [g for text in texts for g in grams(text, n)]
    return sum(g in known for g in found) / len(found) if found else 0.0  # (3)


def repetition(texts: Sequence[Sequence], train: Sequence) -> Repetition:
    """All of it for these texts, with n-grams of 20 (repeated, copied) and of 3 (distinct)."""
    n = len(texts)
    own = sum(map(repeated, texts)) / n, sum(map(longest, texts)) / n
    return Repetition(*own, distinct(texts), copied(texts, train))
