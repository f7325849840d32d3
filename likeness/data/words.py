"""Text as words: what counts as a word, a vocabulary with a minimum count, and a corpus of word ids.

A word is a run of letters and digits, small, with apostrophes inside it ("don't"). Words that stand too seldom are left
out of a corpus before anything looks at neighbours, so that those beside them become neighbours of each other, as in
word2vec.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from likeness.errors import InputError, unknown

WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
MINIMUM = 5  # occurrences of a word, as in word2vec


class Words:
    """Words by their ids, the most frequent first, with the counts they had where they were learned."""

    def __init__(self, words: Sequence[str], counts: Sequence[int] | np.ndarray) -> None:
        self.words, self.counts = tuple(words), np.asarray(counts, np.int64)

    def __len__(self) -> int:
        return len(self.words)

    @cached_property
    def place(self) -> dict[str, int]:
        """The id of every word."""
        return {word: i for i, word in enumerate(self.words)}

    def id(self, word: str) -> int:
        """Raises InputError, with the words most like it, for one that is not in the vocabulary."""
        if word not in self.place:
            raise strange(word, self.words)
        return self.place[word]

    def known(self, words: Iterable[str]) -> np.ndarray:
        """The ids (n,) of those words that are in the vocabulary, in their order."""
        return np.fromiter((self.place[w] for w in words if w in self.place), np.int64)


class Corpus(NamedTuple):
    """Texts as the ids of their words.

    Attributes:
        ids: (n,) all words of all texts, one text behind the other.
        text: (n,) the number of the text that each word is of.
    """

    words: Words
    ids: np.ndarray
    text: np.ndarray


def words_of(text: str) -> list[str]:
    """The words of a text, small."""
    return WORD.findall(text.lower())


def strange(word: str, words: Sequence[str]) -> InputError:
    """The error for a word that is not in a vocabulary; of a large one it does not list all."""
    told = str(unknown("word", word, words))
    near = told.split(": known:", maxsplit=1)[0].split("? known:", maxsplit=1)[0]
    mean = f"{near}?" if "did you mean" in near else f"{near}: use one of the {len(words)} words of the vocabulary"
    return InputError(mean)


def vocabulary(texts: Iterable[Sequence[str]], *, minimum: int = MINIMUM, most: int | None = None) -> Words:
    """The words that stand `minimum` times or more in texts of words, `most` of them at most.

    Raises:
        InputError: fewer than two words do, or the minimum is below one.
    """
    if minimum < 1:
        raise InputError(f"a minimum of {minimum} occurrences: give 1 or more")
    counts: Counter[str] = Counter()
    for words in texts:
        counts.update(words)
    if not counts:
        raise InputError("the corpus is empty: give texts with words in them")
    kept = sorted(((-n, word) for word, n in counts.items() if n >= minimum))[:most]
    if len(kept) < 2:
        raise InputError(
            f"{len(kept)} of {len(counts)} words stand {minimum} times or more: give more text, or lower the minimum"
        )
    return Words([word for _, word in kept], [-n for n, _ in kept])


def corpus(texts: Iterable[str | Sequence[str]], *, minimum: int = MINIMUM, known: Words | None = None) -> Corpus:
    """Texts, or lists of words, as word ids; windows never reach over the end of a text.

    Args:
        known: the vocabulary, instead of one with a minimum count made of these texts.

    Raises:
        InputError: one text is given instead of several, none has a word, or fewer than two words are frequent enough.
    """
    if isinstance(texts, str):
        raise InputError("a corpus is a list of texts, and one text was given: put it in a list")
    split = [words_of(text) if isinstance(text, str) else list(text) for text in texts]
    known = known or vocabulary(split, minimum=minimum)
    ids = [known.known(words) for words in split]
    return Corpus(known, np.concatenate(ids), np.repeat(np.arange(len(ids)), [len(i) for i in ids]))
