"""Ids to text and back is exact, pieces are the most frequent pairs, and strangers are named."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from likeness.data.embedded import descriptions
from likeness.data.vocabulary import Vocabulary, characters, pieces, whole_words
from likeness.errors import InputError

TEXT = descriptions()
ALPHABET = characters(TEXT)
PIECES = pieces(ALPHABET, TEXT, 300)


@given(st.text(alphabet=ALPHABET.characters))
def test_there_and_back(text: str) -> None:
    for known in (ALPHABET, PIECES):
        ids = known.encode(text)
        assert known.decode(ids) == text
        assert ids.dtype == np.int64


@given(st.text(alphabet="ab ", min_size=1))
def test_runs_there_and_back(text: str) -> None:
    base = characters("ab ")
    known = pieces(base, text * 3, 12)
    assert known.decode(known.encode(text)) == text


def test_merges_by_hand() -> None:
    known = pieces(characters("abc"), "ababab" + "c", 4)
    assert known.texts == ("a", "b", "c", "ab")
    assert known.encode("aabb").tolist() == [0, 3, 1]
    doubled = pieces(characters("ab"), "aaaaab", 3)
    assert doubled.encode("aaab").tolist() == [2, 0, 1]


def test_pieces_shorten_and_hold_no_inner_space() -> None:
    assert len(PIECES.encode(TEXT)) < 0.65 * len(TEXT)
    assert not any(c.isspace() for text in PIECES.texts for c in text[1:])


def test_state_and_strangers() -> None:
    assert Vocabulary.from_state(PIECES.state()) == PIECES
    with pytest.raises(InputError, match="character 'ß' is not"):
        ALPHABET.encode("Straße")
    with pytest.raises(InputError, match="empty"):
        characters("")
    with pytest.raises(InputError, match="3 word pieces"):
        pieces(ALPHABET, TEXT, 3)


def test_words_are_ids_by_their_counts_and_strangers_are_one_token() -> None:
    known = whole_words("The cat and the cat and the dog", minimum=2)
    assert known.words == ("<unk>", "the", "and", "cat")
    assert known.counts == (1, 3, 2, 2)
    ids = known.encode("The dog, the CAT!")
    assert ids.tolist() == [1, 0, 1, 3]
    assert known.decode(ids) == "the <unk> the cat "
    assert len(known) == 4
    again = Vocabulary.from_state(json.loads(json.dumps(known.state())))
    assert again == known
    assert "words" not in ALPHABET.state(), "older runs are read as they were"
