"""Pairs and counts equal a slow double loop; the law of what is passed over; reaches are drawn; texts stay apart."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from likeness.data.words import Corpus, Words
from likeness.embed.windows import contexts, cooccurrence, frequent, pairs, subsampled
from likeness.errors import InputError


def made(texts: list[list[int]], v: int = 4) -> Corpus:
    ids = np.concatenate([np.array(t, np.int64) for t in texts])
    counts = np.bincount(ids, minlength=v)
    return Corpus(
        Words([f"w{i}" for i in range(v)], counts), ids, np.repeat(np.arange(len(texts)), list(map(len, texts)))
    )


def slow(texts: list[list[int]], window: int) -> Counter:
    return Counter(
        (t[i], t[j], abs(i - j))
        for t in texts
        for i in range(len(t))
        for j in range(len(t))
        if 0 < abs(i - j) <= window
    )


texts = st.lists(st.lists(st.integers(0, 3), max_size=7), min_size=1, max_size=3).filter(lambda t: max(map(len, t)) > 3)


@settings(max_examples=30, deadline=None)
@given(texts, st.integers(1, 3))
def test_pairs_and_contexts_are_those_of_a_double_loop(t: list[list[int]], window: int) -> None:
    expected = Counter((a, b) for a, b, _ in slow(t, window).elements())
    assert Counter(map(tuple, pairs(made(t), window).tolist())) == expected
    rows = contexts(made(t), window).tolist()
    assert Counter((row[0], c) for row in rows for c in row[1:] if c >= 0) == expected


@settings(max_examples=30, deadline=None)
@given(texts, st.integers(1, 3))
def test_co_occurrence_weighs_by_the_distance(t: list[list[int]], window: int) -> None:
    X, plain = np.zeros((4, 4)), np.zeros((4, 4))
    for a, b, apart in slow(t, window).elements():
        X[a, b] += 1 / apart
        plain[a, b] += 1
    np.testing.assert_allclose(cooccurrence(made(t), window).toarray(), X)
    np.testing.assert_allclose(cooccurrence(made(t), window, near=False).toarray(), plain)


def test_reaches_are_uniform() -> None:
    long = made([np.random.default_rng(0).integers(0, 4, 20_000).tolist()])
    n = len(pairs(long, 5, np.random.default_rng(1)))
    assert n / 20_000 == pytest.approx(2 * np.mean([1, 2, 3, 4, 5]), rel=0.02)
    x = contexts(long, 5, np.random.default_rng(1))
    shares = (x[:, 1:] >= 0).reshape(len(x), 5, 2).mean((0, 2))  # by distance
    np.testing.assert_allclose(shares, [1, 0.8, 0.6, 0.4, 0.2], atol=0.02)


def test_frequent_words_are_passed_over() -> None:
    counts = np.array([9_000, 900, 90, 10])
    p = frequent(counts, 1e-2)
    np.testing.assert_allclose(p, [1 - np.sqrt(0.01 / 0.9), 1 - np.sqrt(0.01 / 0.09), 0, 0])
    ids = np.repeat(np.arange(4), counts)
    whole = Corpus(Words("abcd", counts), ids, np.zeros_like(ids))
    left = np.bincount(subsampled(whole, 1e-2, np.random.default_rng(0)).ids, minlength=4)
    np.testing.assert_allclose(left / counts, 1 - p, atol=0.03)
    assert subsampled(whole, None, np.random.default_rng(0)) is whole


@pytest.mark.parametrize(("window", "told"), [(0, "window of 0"), (3, "no text longer than 3"), (9, "longer than 3")])
def test_a_window_longer_than_the_text_is_refused(window: int, told: str) -> None:
    for look in (pairs, contexts, cooccurrence):
        with pytest.raises(InputError, match=told):
            look(made([[0, 1, 2], [3, 1]]), window)


def test_a_threshold_of_zero_is_refused() -> None:
    with pytest.raises(InputError, match="threshold of 0"):
        frequent(np.array([1, 2]), 0.0)
