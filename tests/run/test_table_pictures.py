"""Pictures of tables show every column and every pair, in the units of the table."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from PIL import Image

from likeness.data import load, whole
from likeness.data.columns import fit
from likeness.run.pictures import SAMPLE
from likeness.run.table_pictures import _frame, _values, associations, marginals

DATA = load("mixed-table", limit=300)
COLUMNS, X, Y = DATA.columns, whole(DATA.train).x, whole(DATA.test, 300).x


def read(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        assert image.format == "PNG"
        return np.asarray(image)


def blue(pixels: np.ndarray) -> float:
    wanted = np.array([int(SAMPLE[i : i + 2], 16) for i in (1, 3, 5)])
    return float((np.abs(pixels[..., :3].astype(int) - wanted).max(-1) < 40).mean())


def test_numbers_are_shown_in_their_units_without_the_gaps() -> None:
    rating = COLUMNS.columns[[c.name for c in COLUMNS.columns].index("rating")]
    t = pa.table({"rating": [5.0, None, 7.5]})
    assert torch.allclose(_values(rating, rating_block(rating, t)), torch.tensor([5.0, 7.5]).double(), atol=1e-5)


def rating_block(column, t: pa.Table) -> torch.Tensor:
    return torch.from_numpy(column.encode(t["rating"])).float()


def test_one_far_value_leaves_room_for_the_rest() -> None:
    low, high = _frame(torch.cat((torch.randn(5000), torch.tensor([1e6]))))
    assert -6 < low < high < 6
    assert _frame(torch.full((5,), 2.0)) == (1.0, 3.0)


def test_the_marginals_of_a_mixed_table(tmp_path: Path) -> None:
    found = read(marginals(X, tmp_path / "m.png", COLUMNS, reference=Y))
    alone = read(marginals(X, tmp_path / "alone.png", COLUMNS))
    assert found.shape[1] == alone.shape[1]
    assert blue(found) > 0.002
    assert blue(alone) > 0.002


def test_more_columns_than_fit_are_counted_not_drawn(tmp_path: Path) -> None:
    t = pa.table({f"c{i}": np.arange(30.0) * (i + 1) for i in range(30)})
    columns = fit(t)
    x = columns.encode(t)
    many = read(marginals(x, tmp_path / "m.png", columns, reference=x))
    few = read(marginals(x[:, :24], tmp_path / "f.png", fit(t.select(t.column_names[:24])), reference=x[:, :24]))
    assert many.shape[1] == few.shape[1]


def test_associations_stand_side_by_side(tmp_path: Path) -> None:
    one = read(associations({"data": Y}, tmp_path / "one.png", COLUMNS))
    two = read(associations({"data": Y, "raw draws": X}, tmp_path / "two.png", COLUMNS))
    assert two.shape[1] > 1.5 * one.shape[1]
