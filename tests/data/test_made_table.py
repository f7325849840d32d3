"""The made table has the moments, the gaps and the dependence that its equations say."""

import numpy as np
import pytest
import torch

from likeness.data import load
from likeness.data.columns import Category
from likeness.data.made_table import CENTRES, LINEAR, WEIGHTS, rows

N = 40_000


@pytest.fixture(scope="module")
def table():
    return rows(N, generator=1)


def column(table, name: str) -> np.ndarray:
    return table[name].to_numpy().astype(float)  # gaps are NaN


def test_linear_columns_have_the_covariance_of_a_mixture_of_factors(table) -> None:
    names = ["height", "weight", "speed"]
    x = np.stack([column(table, name) for name in names])
    loads = np.array([LINEAR[name][0] for name in names])
    psi = np.diag([LINEAR[name][1] ** 2 for name in names])
    w, mu = WEIGHTS.numpy(), CENTRES.numpy()
    away = mu - w @ mu
    true = loads @ (np.eye(2) + away.T * w @ away) @ loads.T + psi
    assert np.allclose(np.cov(x), true, atol=0.03)
    assert np.allclose(x.mean(1), [LINEAR[name][2] for name in names] + loads @ (w @ mu), atol=0.03)


def test_each_column_is_of_its_kind(table) -> None:
    age, delay, curve, height = (column(table, name) for name in ("age", "delay", "curve", "height"))
    assert (age == age.round()).all()
    assert len(np.unique(age)) > 30
    assert np.log(column(table, "income")).std() == pytest.approx(0.92, abs=0.05)
    assert ((delay - delay.mean()) ** 4).mean() / delay.var() ** 2 > 4, "a tail heavier than the normal's, whose is 3"
    f1 = column(table, "height") - 17
    assert abs(np.corrcoef(curve, height)[0, 1]) < 0.15 < abs(np.corrcoef(curve, (f1 - f1.mean()) ** 2)[0, 1])
    assert table["grade"].value_counts().to_pylist()[0]["counts"] == pytest.approx(N / 4, rel=0.15)


def test_gaps_come_as_often_and_where_they_are_said_to(table) -> None:
    missing = {name: np.asarray(table[name].is_null()) for name in table.column_names}
    assert {name for name, gaps in missing.items() if gaps.any()} == {"rating", "visits", "colour"}
    assert missing["rating"].mean() == pytest.approx(0.1, abs=0.01)
    assert missing["colour"].mean() == pytest.approx(0.08, abs=0.01)
    member = table["member"].to_numpy()
    assert missing["visits"][member].mean() == pytest.approx(0.3, abs=0.015)
    assert missing["visits"][~member].mean() == pytest.approx(0.05, abs=0.01)


def test_a_row_depends_on_the_seed_and_its_place_alone(table) -> None:
    few, first, others = rows(50, generator=1), table.slice(0, 50), rows(50, generator=2)
    for name in few.column_names:
        if few[name].type == "double":  # exp and its like may differ in the last digit between batch sizes
            assert np.allclose(column(few, name), column(first, name), atol=1e-6, rtol=1e-6, equal_nan=True)
        else:
            assert few[name].equals(first[name])
        assert not few[name].equals(others[name])


def test_it_loads_as_ten_numbers_and_five_categories() -> None:
    data = load("mixed-table", limit=100)
    kinds = [isinstance(c, Category) for c in data.columns.columns]
    assert (kinds.count(False), kinds.count(True)) == (10, 5)
    assert [c.name for c in data.columns.columns if not isinstance(c, Category) and c.gaps] == ["rating", "visits"]
    labelled = load("mixed-table", limit=100, label="kind")
    assert labelled.classes == ("basic", "extra", "luxury")
    assert "kind" not in [c.name for c in labelled.columns.columns]
    assert torch.isfinite(data.train[torch.arange(100)].x).all()
