"""Two sentences whose counts and weights are known, and scikit-learn's counts."""

import math

import pytest
import torch
from sklearn.feature_extraction.text import CountVectorizer

from likeness.embed.counts import bag_of_words, tf_idf
from likeness.errors import InputError

D = ["The cat sat on the hat", "The dog ate the cat and the hat"]


def test_the_two_sentences() -> None:
    words, counts = bag_of_words(D)
    assert words == ("the", "cat", "sat", "on", "hat", "dog", "ate", "and")
    assert counts.tolist() == [[2, 1, 1, 1, 1, 0, 0, 0], [3, 1, 0, 0, 1, 1, 1, 1]]
    first, second = tf_idf(counts)
    a, b = math.log(2) / 6, math.log(2) / 8
    torch.testing.assert_close(first, torch.tensor([0, 0, a, a, 0, 0, 0, 0]))
    torch.testing.assert_close(second, torch.tensor([0, 0, 0, 0, 0, b, b, b]))
    assert (round(a, 4), round(b, 4)) == (0.1155, 0.0866)


def test_counts_are_those_of_scikit_learn() -> None:
    words, counts = bag_of_words(D)
    theirs = CountVectorizer(token_pattern=r"\w+").fit(D)
    order = [theirs.vocabulary_[w] for w in words]
    assert torch.equal(counts, torch.from_numpy(theirs.transform(D).toarray()).float()[:, order])


def test_documents_without_words_are_refused() -> None:
    with pytest.raises(InputError, match="document 1 has no word"):
        bag_of_words(["a b", "…"])
    with pytest.raises(InputError, match="stands in none"):
        tf_idf(torch.tensor([[1.0, 0.0], [2.0, 0.0]]))
