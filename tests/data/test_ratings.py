"""Cells and their ratings, what is held out, ratings of known rank, and tables that are none."""

import pyarrow as pa
import pytest
import torch

from likeness.data.ratings import from_grid, held_out, made_ratings, ratings, read_ratings
from likeness.errors import InputError

NAN = float("nan")
GRID = torch.tensor([[3.0, NAN, 5.0], [1.0, 2.0, NAN]])


def test_unseen_cells_stay_unseen() -> None:
    made = from_grid(GRID)
    assert made.x.tolist() == [[0, 0], [0, 2], [1, 0], [1, 1]]
    torch.testing.assert_close(made.grid(), GRID, equal_nan=True)


def test_a_file_of_ratings(tmp_path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("userId,movieId,rating,timestamp\n72,b,4.5,1\n14,a,3,2\n14,b,5,3\n")
    made = read_ratings(path, user="userId", item="movieId", rating="rating")
    assert (made.users, made.items) == ((14, 72), ("a", "b"))
    assert made.grid()[1, 1] == 4.5
    assert made.grid()[1, 0].isnan()


def test_what_is_held_out_is_apart_and_leaves_everyone_a_cell() -> None:
    given = made_ratings(12, 9, seen=0.4, seed=1)
    seen, out = held_out(given, 0.25, seed=2)
    cells = lambda r: {tuple(c) for c in r.x.tolist()}  # noqa: E731
    assert not cells(seen) & cells(out)
    assert cells(seen) | cells(out) == cells(given)
    assert len(out.r) == round(0.25 * len(given.r))
    assert set(seen.x[:, 0].tolist()) == set(range(12))
    assert set(seen.x[:, 1].tolist()) == set(range(9))


def test_made_ratings_have_their_rank_and_noise() -> None:
    whole = made_ratings(60, 40, rank=3, noise=0.0, seen=1.0).grid().double()
    left = torch.linalg.svdvals(whole)
    assert float(left[5] / left[0]) < 1e-6, "three for the product, two for the biases"
    noisy = made_ratings(60, 40, rank=3, noise=0.3, seen=1.0).grid().double()
    assert float((noisy - whole).std()) == pytest.approx(0.3, rel=0.05)
    assert len(made_ratings(60, 40, seen=0.3).r) == pytest.approx(720, abs=60)


def table(**columns: list) -> pa.Table:
    return pa.table({"user": [1, 1, 2], "item": [1, 2, 1], "rating": [3.0, 4.0, 5.0]} | columns)


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"user": [1, 1, 1]}, "'user' has 1 value"),
        ({"item": [7, 7, 7]}, "'item' has 1 value"),
        ({"rating": ["good", "bad", "bad"]}, "ratings are numbers"),
        ({"rating": [1.0, None, 2.0]}, "1 gaps"),
        ({"rating": [1.0, float("inf"), 2.0]}, "not finite in row 2"),
        ({"user": [1, 1, 2], "item": [2, 2, 1]}, "user 1 rated item 2 2 times"),
    ],
)
def test_tables_that_are_no_ratings_are_refused(columns: dict, told: str) -> None:
    with pytest.raises(InputError, match=told):
        ratings(table(**columns))


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(InputError, match="unknown column 'users': did you mean user"):
        ratings(table(), user="users")


@pytest.mark.parametrize("share", [0.0, 1.0, 0.9])
def test_holding_out_too_much_is_refused(share: float) -> None:
    with pytest.raises(InputError, match="share"):
        held_out(from_grid(GRID), share)
