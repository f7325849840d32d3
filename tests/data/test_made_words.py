"""The made sentences hold what they say, and noise leaves no pair of words out."""

import pytest

from likeness.data.made_words import FILLERS, GENDERS, PAIRS, ROLES, questions, sentences
from likeness.data.words import corpus
from likeness.embed.windows import cooccurrence
from likeness.errors import InputError


def test_a_sentence_is_a_word_and_what_tells_its_role_and_gender() -> None:
    for words in sentences(200, seed=1):
        (word,) = (w for w in words if any(w in pair for pair in PAIRS))
        role = next(i for i, pair in enumerate(PAIRS) if word in pair)
        gender = PAIRS[role].index(word)
        assert sum(w in ROLES[role] for w in words) == 2
        assert sum(w in GENDERS[gender] for w in words) == 2
        assert sum(w in FILLERS for w in words) == 2


def test_every_analogy_is_asked_once() -> None:
    asked = questions()
    assert len(asked) == len(set(asked)) == 60
    assert ("man", "woman", "king", "queen") in asked


def test_without_noise_pairs_are_missing_and_with_it_fewer_are() -> None:
    empty = []
    for noise in (0.0, 0.2):
        X = cooccurrence(corpus(sentences(15_000, noise=noise), minimum=1), 6)
        empty.append(1 - X.nnz / X.shape[0] ** 2)
    assert empty[0] > empty[1] + 0.1


def test_the_seed_decides() -> None:
    assert sentences(5, seed=3) == sentences(5, seed=3) != sentences(5, seed=4)


@pytest.mark.parametrize("given", [{"n": 0}, {"n": 3, "noise": 1.5}])
def test_what_cannot_be_made_is_refused(given: dict) -> None:
    with pytest.raises(InputError, match="sentences"):
        sentences(**given)
