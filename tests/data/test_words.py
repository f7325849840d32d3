"""What a word is, which are kept, and what is said of those that are not."""

import numpy as np
import pytest

from likeness.data.words import corpus, vocabulary, words_of
from likeness.errors import InputError

TEXTS = ["The cat sat.", "A cat ran; the dog sat", "the the"]


def test_words_are_small_and_keep_their_apostrophes() -> None:
    assert words_of("Don't STOP, it's 5 o'clock—naïve_folk!") == [
        "don't",
        "stop",
        "it's",
        "5",
        "o'clock",
        "naïve",
        "folk",
    ]


def test_the_most_frequent_first_and_equals_by_name() -> None:
    known = vocabulary([words_of(t) for t in TEXTS], minimum=2)
    assert known.words == ("the", "cat", "sat")
    assert known.counts.tolist() == [4, 2, 2]
    assert vocabulary([words_of(t) for t in TEXTS], minimum=1, most=4).words == ("the", "cat", "sat", "a")


def test_rare_words_are_gone_and_texts_stay_apart() -> None:
    made = corpus(TEXTS, minimum=2)
    assert [made.words.words[i] for i in made.ids] == ["the", "cat", "sat", "cat", "the", "sat", "the", "the"]
    assert made.text.tolist() == [0, 0, 0, 1, 1, 1, 2, 2]
    assert np.array_equal(np.bincount(made.ids), made.words.counts)


def test_words_may_come_as_lists_and_with_a_vocabulary() -> None:
    known = corpus(TEXTS, minimum=2).words
    assert corpus([["sat", "fish", "the"]], known=known).ids.tolist() == [2, 0]


def test_a_stranger_is_told_what_is_like_it() -> None:
    known = corpus(TEXTS, minimum=1).words
    with pytest.raises(InputError, match="unknown word 'catt': did you mean cat"):
        known.id("catt")
    with pytest.raises(InputError, match="one of the 6 words") as told:
        known.id("zzz")
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("texts", "minimum", "told"),
    [
        ([], 1, "empty"),
        (["", " … "], 1, "empty"),
        (["once only words"], 5, "0 of 3 words stand 5 times"),
        ("one text", 1, "put it in a list"),
        (TEXTS, 0, "minimum of 0"),
    ],
)
def test_what_gives_no_words_is_refused(texts, minimum: int, told: str) -> None:
    with pytest.raises(InputError, match=told):
        corpus(texts, minimum=minimum)
