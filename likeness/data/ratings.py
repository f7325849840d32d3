"""Ratings as data: who gave what how much, from a table with a column for each; cells to learn from and cells held out.

A cell is one user's rating of one item; most are empty. Cells are held out at random, none of the last of a user or of
an item, so that each has one to learn from.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from likeness.data.table import read_table
from likeness.errors import InputError, unknown

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Ratings:
    """Ratings `r` (n,) of cells `x` (n, 2): ids of a user and of an item, by which their names stand in order."""

    users: tuple[Any, ...]
    items: tuple[Any, ...]
    x: Tensor
    r: Tensor

    def of(self, rows: Tensor) -> "Ratings":
        """Those cells alone, of the same users and items."""
        return Ratings(self.users, self.items, self.x[rows], self.r[rows])

    def grid(self) -> Tensor:
        """(users, items), NaN in the cells that were not seen."""
        made = torch.full((len(self.users), len(self.items)), torch.nan)
        made[self.x[:, 0], self.x[:, 1]] = self.r
        return made


def read_ratings(path: str | Path, *, user: str = "user", item: str = "item", rating: str = "rating") -> Ratings:
    """The ratings in a CSV, TSV or Parquet file.

    Raises:
        InputError: as `ratings` does, or the file cannot be read.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path} does not exist: check the path")
    return ratings(read_table(path), user=user, item=item, rating=rating)


def ratings(table: "pa.Table", *, user: str = "user", item: str = "item", rating: str = "rating") -> Ratings:
    """The ratings in a table, a row for each.

    Raises:
        InputError: a column is not there or has gaps, ratings are no finite numbers, a cell is rated twice, or there
            are fewer than two users or items.
    """
    for name in (user, item, rating):
        if name not in table.column_names:
            raise unknown("column", name, table.column_names)
        if table[name].null_count:
            raise InputError(f"column {name!r} has {table[name].null_count} gaps: leave those rows out")
    try:
        r = table[rating].to_numpy().astype(np.float32)
    except ValueError:
        raise InputError(f"column {rating!r} holds {table[rating].type}: ratings are numbers") from None
    return _made(table[user].to_pylist(), table[item].to_pylist(), r, (user, item, rating))


def from_grid(grid: Tensor, users: Sequence[Any] | None = None, items: Sequence[Any] | None = None) -> Ratings:
    """The ratings in a table of users by items, NaN where there is none."""
    x = (~grid.isnan()).nonzero()
    known = tuple(users or range(grid.shape[0])), tuple(items or range(grid.shape[1]))
    return Ratings(*known, x, grid[x[:, 0], x[:, 1]].float())


def held_out(given: Ratings, share: float = 0.2, *, seed: int = 0) -> tuple[Ratings, Ratings]:
    """Cells to learn from, and that share of all cells held out.

    Raises:
        InputError: the share is not between 0 and 1, or would leave a user or an item without a cell.
    """
    n = len(given.r)
    wanted = round(share * n)
    if not 0 < share < 1 or wanted < 1:
        raise InputError(f"a share of {share:g} of {n} ratings: hold out one or more, and not all")
    left = [torch.bincount(given.x[:, side]).tolist() for side in (0, 1)]
    out = np.zeros(n, bool)
    for row in np.random.default_rng(seed).permutation(n):
        u, i = given.x[row].tolist()
        if wanted and left[0][u] > 1 and left[1][i] > 1:
            left[0][u], left[1][i], out[row], wanted = left[0][u] - 1, left[1][i] - 1, True, wanted - 1
    if wanted:
        raise InputError(f"a share of {share:g} of {n} ratings leaves users or items without any: hold out fewer")
    rows = torch.from_numpy(out)
    return given.of(~rows), given.of(rows)


def made_ratings(
    users: int,
    items: int,
    *,
    rank: int = 5,
    noise: float = 0.3,
    seen: float = 0.3,
    generous: float = 0.5,
    taste: float = 1.0,
    seed: int = 0,
) -> Ratings:
    """Ratings of known rank: a mean of 3.5, biases of deviation `generous`, a product of deviation `taste`, and noise.

    `seen` is the share of cells that are there; every user and every item has one or more.
    """
    rng = np.random.default_rng(seed)
    product = taste * rng.normal(size=(users, rank)) @ rng.normal(size=(rank, items)) / np.sqrt(rank)
    r = 3.5 + generous * (rng.normal(size=(users, 1)) + rng.normal(size=(1, items))) + product
    r += noise * rng.normal(size=r.shape)
    there = rng.permuted(np.arange(users * items).reshape(users, items) < round(seen * users * items))
    for i in range(max(users, items)):
        there[i % users, i % items] = True
    return from_grid(torch.from_numpy(np.where(there, r, np.nan)).float())


def _made(users: list[Any], items: list[Any], r: np.ndarray, names: tuple[str, str, str]) -> Ratings:
    if not np.isfinite(r).all():
        raise InputError(f"column {names[2]!r} has a rating that is not finite in row {np.argmin(np.isfinite(r)) + 1}")
    known = [sorted(set(values)) for values in (users, items)]
    for name, found in zip(names, known):
        if len(found) < 2:
            raise InputError(f"column {name!r} has {len(found)} value: ratings need two or more users and items")
    place = [{value: i for i, value in enumerate(found)} for found in known]
    x = torch.tensor([[place[0][u], place[1][i]] for u, i in zip(users, items)])
    cells = x[:, 0] * len(known[1]) + x[:, 1]
    if len(cells.unique()) < len(cells):
        cell, n = (v.tolist() for v in torch.unique(cells, return_counts=True))
        u, i = divmod(cell[n.index(max(n))], len(known[1]))
        raise InputError(f"{names[0]} {known[0][u]} rated {names[1]} {known[1][i]} {max(n)} times: keep one of them")
    return Ratings(tuple(known[0]), tuple(known[1]), x, torch.from_numpy(r))
