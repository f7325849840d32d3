"""Edits are those of the table by hand, of known words, and are a metric; unknown characters are never read."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from likeness.data.lines import encoded
from likeness.data.vocabulary import characters
from likeness.errors import InputError
from likeness.represent.transcripts import Reading, edits, lengths, reading

KNOWN = characters("abcdefghijklmnopqrstuvwxyz")


def slow(a: str, b: str) -> int:
    table = [[i + j if i * j == 0 else 0 for j in range(len(b) + 1)] for i in range(len(a) + 1)]
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            change = table[i - 1][j - 1] + (a[i - 1] != b[j - 1])
            table[i][j] = min(table[i - 1][j] + 1, table[i][j - 1] + 1, change)
    return table[-1][-1]


def test_known_words() -> None:
    pairs = [("kitten", "sitting", 3), ("flaw", "lawn", 2), ("", "abc", 3), ("abc", "", 3), ("", "", 0), ("a", "a", 0)]
    a, b = (encoded([p[i] for p in pairs], KNOWN) for i in range(2))
    assert edits(a, b).tolist() == [p[2] for p in pairs]
    assert lengths(a).tolist() == [len(p[0]) for p in pairs]


@given(st.lists(st.tuples(st.text("abc", max_size=7), st.text("abc", max_size=7)), min_size=1, max_size=8))
def test_a_batch_is_the_table_of_each(pairs: list[tuple[str, str]]) -> None:
    a, b = (encoded([p[i] for p in pairs], KNOWN) for i in range(2))
    assert edits(a, b).tolist() == [slow(*p) for p in pairs]
    assert edits(b, a).tolist() == edits(a, b).tolist()


def test_what_is_told() -> None:
    true = encoded(["abcd", "ab", "", "abcd"], KNOWN)
    found = encoded(["abcd", "b", "xyz", ""], KNOWN)
    assert reading(found, true) == Reading(0.25, 0.5, 8 / 10, 4)
    with pytest.raises(InputError, match="no text"):
        reading(found[:0], true[:0])


def test_an_unknown_character_is_never_read() -> None:
    true = encoded(["a\N{EURO SIGN}"], KNOWN)
    assert edits(true, true).tolist() == [1]
    assert edits(torch.tensor([[0]]), true).tolist() == [1]
