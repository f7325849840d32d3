"""The small table has the published shape, and a few steps show what memorising is."""

from likeness.papers._embeddings_ratings import of_ratings, small


def test_the_small_table() -> None:
    given = small(0)
    assert (len(given.users), len(given.items)) == (15, 15)
    assert abs(len(given.r) - 206) <= 4
    assert set((2 * given.r).tolist()) <= set(range(1, 11))


def test_what_is_measured() -> None:
    found = of_ratings(0, "quick")
    assert found["bias.fitted"] < found["bias.held_out"]
    assert found["large.bias_only"] > 0.5
