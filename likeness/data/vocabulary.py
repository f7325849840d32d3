"""Text as token ids and back: characters, word pieces by byte-pair encoding, or words.

Pieces begin as characters; again and again the pair of neighbours that stands most often side by side becomes one
piece. A piece may begin with white space and holds none elsewhere, so that none reaches over two words. Ids to text
and back is exact. Of words it is not: they are small, stand between spaces, and token 0 is all that are not known.

Rico Sennrich, Barry Haddow, Alexandra Birch. Neural Machine Translation of Rare Words with Subword Units. 2016.
https://arxiv.org/abs/1508.07909
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from torch import Tensor

from likeness.data.words import MINIMUM, vocabulary, words_of
from likeness.errors import InputError

LEAST = 2  # a pair that stands only once is no piece
UNKNOWN = "<unk>"


@dataclass(frozen=True)
class Vocabulary:
    """Token i is the i-th character; those behind are the pieces of two earlier tokens, in the order of `merges`.

    Or, where there are `words`, token i is the i-th of them, which stands `counts[i]` times.
    """

    characters: tuple[str, ...]
    merges: tuple[tuple[int, int], ...] = ()
    words: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.words) or len(self.characters) + len(self.merges)

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The text of every token."""
        found = [f"{word} " for word in self.words] or list(self.characters)
        for a, b in self.merges:
            found.append(found[a] + found[b])
        return tuple(found)

    def encode(self, text: str) -> np.ndarray:
        """Ids (n,). Raises InputError for a character that is not in the vocabulary."""
        if self.words:
            known = {word: i for i, word in enumerate(self.words)}
            return np.array([known.get(word, 0) for word in words_of(text)], np.int64)
        place = {c: i for i, c in enumerate(self.characters)}
        if lacking := sorted(set(text) - place.keys()):
            raise InputError(
                f"character {lacking[0]!r} is not in the vocabulary of {len(place)} characters: leave it out, "
                "or train on text that has it"
            )
        ids = np.fromiter((place[c] for c in text), np.int64, len(text))
        for i, pair in enumerate(self.merges):
            ids = _merged(ids, pair, len(self.characters) + i)
        return ids

    def decode(self, ids: Tensor | np.ndarray | Sequence[int]) -> str:
        """The text of ids, which may be floats of the same value."""
        return "".join(self.texts[int(i)] for i in ids)

    def state(self) -> dict[str, Any]:
        """All of it as JSON; `from_state` reads it."""
        found: dict[str, Any] = {"characters": list(self.characters), "merges": [list(pair) for pair in self.merges]}
        return found | ({"words": list(self.words), "counts": list(self.counts)} if self.words else {})

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Vocabulary":
        merges, own = tuple((a, b) for a, b in state["merges"]), (state.get("words", ()), state.get("counts", ()))
        return cls(tuple(state["characters"]), merges, *map(tuple, own))


def characters(text: str) -> Vocabulary:
    """Raises InputError where the text is empty."""
    if not text:
        raise InputError("the text is empty: give some to learn from")
    return Vocabulary(tuple(sorted(set(text))))


def whole_words(train: str, minimum: int = MINIMUM) -> Vocabulary:
    """The words that stand so often in `train`, the most frequent first, behind the one for all others.

    Raises:
        InputError: fewer than two do.
    """
    split = words_of(train)
    known = vocabulary([split], minimum=minimum)
    strangers = len(split) - int(known.counts.sum())
    return Vocabulary((), (), (UNKNOWN, *known.words), (strangers, *known.counts.tolist()))


def pieces(alphabet: Vocabulary, train: str, size: int) -> Vocabulary:
    """The characters and the pieces learned from `train`, `size` tokens in all, or fewer where no pair stands twice.

    Raises:
        InputError: there are more characters than tokens asked for.
    """
    if size < len(alphabet):
        raise InputError(f"{size} word pieces: the text has {len(alphabet)} characters; give more pieces than that")
    ids, merges = alphabet.encode(train), list[tuple[int, int]]()
    white = [c.isspace() for c in alphabet.characters]
    for new in range(len(alphabet), size):
        pairs = ids[:-1] * new + ids[1:]
        counts = np.bincount(pairs, minlength=new * new).reshape(new, new)
        counts[:, white] = 0
        best = int(counts.argmax())
        if counts.flat[best] < LEAST:
            break
        merges.append(divmod(best, new))
        ids = _merged(ids, merges[-1], new)
        white.append(white[merges[-1][0]])
    return Vocabulary(alphabet.characters, tuple(merges))


def _merged(ids: np.ndarray, pair: tuple[int, int], new: int) -> np.ndarray:
    """Every pair, from left to right, in one token."""
    at = np.flatnonzero((ids[:-1] == pair[0]) & (ids[1:] == pair[1]))
    if pair[0] == pair[1] and len(at):  # of a run, every second
        begins = np.concatenate(([True], np.diff(at) > 1))
        first = np.maximum.accumulate(np.where(begins, np.arange(len(at)), 0))
        at = at[(np.arange(len(at)) - first) % 2 == 0]
    if not len(at):
        return ids
    ids = ids.copy()
    ids[at] = new
    return np.delete(ids, at + 1)
