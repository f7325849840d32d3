"""Columns take other rows' values as one block, as many of them as were said, and each row's own numbers decide."""

import pyarrow as pa
import pytest
import torch

from likeness.data.columns import fit
from likeness.data.table_views import scarf
from likeness.errors import InputError
from likeness.ranks import Part, holding

TABLE = pa.table(
    {
        "age": [20.5, 30.5, None, 50.5, 61.5, 72.25],
        "town": ["Ulm", "Bern", "Graz", "Ulm", "Bern", "Ulm"],
        "tall": [True, False, True, True, False, False],
        "rent": [1.5, 2.5, 3.5, 4.5, 5.5, 6.75],
    }
)
COLUMNS = fit(TABLE)
ROWS = COLUMNS.encode(TABLE)


def test_as_many_columns_as_were_said_and_every_one_as_often() -> None:
    n, m = 5000, 10
    x, rows = torch.zeros(n, m), torch.ones(3, m)
    y = scarf(rows, share=0.6)(x)
    assert (y.sum(1) == 6).all()
    assert float((y.mean(0) - 0.6).abs().max()) < 5 * (0.24 / n) ** 0.5
    assert torch.equal(scarf(rows, share=0)(x), x)
    assert torch.equal(scarf(rows, share=1)(x), torch.ones(n, m))


def test_values_come_from_each_columns_own_law() -> None:
    rows = torch.tensor([[0.0, 10.0], [1.0, 11.0], [1.0, 12.0], [1.0, 13.0]])
    y = scarf(rows, share=1)(torch.full((8000, 2), 99.0))
    assert float(y[:, 0].mean()) == pytest.approx(0.75, abs=0.03)
    counts = (y[:, 1].long() - 10).bincount(minlength=4) / 8000
    assert float((counts - 0.25).abs().max()) < 0.03
    together = ((y[:, 0] == 0) & (y[:, 1] == 10)).double().mean()
    assert float(together) == pytest.approx(1 / 16, abs=0.015), "each column from another row"


def test_blocks_stay_whole() -> None:
    x = ROWS.repeat(200, 1)
    y = scarf(ROWS, COLUMNS, share=0.75)(x)
    torch.testing.assert_close(COLUMNS.legal(y), y)
    start = 0
    changed = []
    for column in COLUMNS.columns:
        block = slice(start, start + column.width)
        known = (y[:, None, block] == ROWS[None, :, block]).all(2).any(1)
        assert known.all(), column.name
        changed.append((y[:, block] != x[:, block]).any(1))
        start += column.width
    assert int(torch.stack(changed).sum(0).max()) == 3, "three of four columns"


def test_views_belong_to_their_rows() -> None:
    view, x = scarf(ROWS, COLUMNS), ROWS.repeat(3, 1)
    whole = view(x, generator=2)
    assert torch.equal(view(x[:4], generator=2), whole[:4])
    torch.manual_seed(1)
    whole = view(x)
    torch.manual_seed(1)
    with holding(Part(5, 13, 18)):
        assert torch.equal(view(x[5:]), whole[5:])


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match="from 0 to 1"):
        scarf(ROWS, share=2)
    with pytest.raises(InputError, match="entries"):
        scarf(ROWS[:, 1:], COLUMNS)
    with pytest.raises(InputError, match="one row or more"):
        scarf(ROWS[:0])
    with pytest.raises(InputError, match="encode alike"):
        scarf(ROWS)(ROWS[:, 1:])
