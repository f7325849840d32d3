import json
import math

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from likeness.data.columns import Category, Columns, Number, check_varied, fit
from likeness.errors import InputError


def table(n: int = 200, seed: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)
    income = rng.lognormal(8, 1, n)
    return pa.table(
        {
            "age": pa.array(rng.integers(18, 90, n)),
            "income": pa.array(income, mask=rng.random(n) < 0.2),
            "job": pa.array(rng.choice(["cook", "smith", "poet"], n)),
            "children": pa.array(rng.integers(0, 4, n), mask=rng.random(n) < 0.1),
            "owner": pa.array(rng.random(n) < 0.5),
        }
    )


def test_there_and_back_is_the_table() -> None:
    t = table()
    back = (codec := fit(t)).decode(codec.encode(t))
    assert back.schema.types == t.schema.types
    for name in ("age", "job", "children", "owner"):
        assert back[name].to_pylist() == t[name].to_pylist()
    for mine, theirs in zip(back["income"].to_pylist(), t["income"].to_pylist(), strict=True):
        assert (mine is None) == (theirs is None)
        assert mine is None or mine == pytest.approx(theirs, rel=1e-4)


def test_numbers_are_standardised_where_they_are_known_and_gaps_are_the_mean_with_a_flag() -> None:
    t = table()
    x = fit(t).encode(t)
    assert float(x[:, 0].mean()) == pytest.approx(0, abs=1e-5)
    assert float(x[:, 0].std(correction=0)) == pytest.approx(1, rel=1e-5)
    gaps = torch.tensor([v is None for v in t["income"].to_pylist()])
    assert torch.equal(x[:, 2].bool(), gaps)
    assert x[gaps, 1].abs().sum() == 0
    assert float(x[~gaps, 1].std(correction=0)) == pytest.approx(1, rel=1e-5)


def test_categories_are_one_hot_with_the_gap_as_one_of_them() -> None:
    t = table()
    codec = fit(t)
    widths = {c.name: (type(c), c.width) for c in codec.columns}
    assert widths["job"] == (Category, 3)
    assert widths["children"] == (Category, 5)
    assert widths["owner"] == (Category, 2)
    assert widths["age"] == (Number, 1)
    assert torch.equal(codec.encode(t)[:, 3:6].sum(1), torch.ones(200))


def test_values_unseen_in_training_become_zeros_and_are_never_decoded() -> None:
    codec = fit(pa.table({"job": ["cook", "poet"]}))
    x = codec.encode(pa.table({"job": ["smith", "poet", None]}))
    assert x.tolist() == [[0, 0], [0, 1], [0, 0]]
    assert set(codec.decode(torch.randn(100, 2))["job"].to_pylist()) == {"cook", "poet"}


@settings(deadline=None)
@given(st.sampled_from(["int8", "uint8", "int32", "int64", "uint64"]), st.integers(-100, 100))
def test_integers_stay_within_their_type(kind: str, far: int) -> None:
    limits = np.iinfo(kind)
    codec = Columns((Number("n", kind, 0.0, float(limits.max), gaps=False),))
    (value,) = codec.decode(torch.tensor([[float(far)]]))["n"].to_pylist()
    assert limits.min <= value <= limits.max
    if far > 0:
        assert value == pytest.approx(limits.max, rel=1e-12)


def test_the_state_is_json_and_makes_the_same_codec() -> None:
    codec = fit(table())
    assert Columns.from_state(json.loads(json.dumps(codec.state()))) == codec


def test_a_constant_column_stays_what_it_is() -> None:
    codec = fit(pa.table({"c": [0.1] * 7}))
    assert codec.decode(codec.encode(pa.table({"c": [0.1]})))["c"].to_pylist() == [0.1]
    assert codec.columns[0].std == 1


def test_nan_is_a_gap() -> None:
    assert fit(pa.table({"c": [1.0, math.nan, 3.0]})).columns[0] == Number("c", "double", 2.0, 1.0, gaps=True)


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (pa.array([f"name {i}" for i in range(101)]), "101 different texts"),
        (pa.array([None, None], pa.float64()), "no value"),
        (pa.array([1, 2], pa.timestamp("s")), "neither numbers nor categories"),
        (pa.nulls(3), "neither numbers nor categories"),
    ],
)
def test_columns_that_cannot_be_learned_are_named(column: pa.Array, said: str) -> None:
    with pytest.raises(InputError, match=f"'c'.*{said}"):
        fit(pa.table({"c": column}))


def test_encoding_another_table_says_what_does_not_fit() -> None:
    codec = fit(pa.table({"age": list(range(20))}))
    with pytest.raises(InputError, match="'age' holds string where numbers"):
        codec.encode(pa.table({"age": ["old"]}))
    with pytest.raises(InputError, match="unknown column 'age'"):
        codec.encode(pa.table({"ages": [1]}))


@pytest.mark.parametrize(("x", "said"), [(torch.zeros(1, 3), "width 3"), (torch.full((1, 1), math.nan), "finite")])
def test_vectors_that_are_no_rows_are_refused(x: torch.Tensor, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Columns((Number("n", "double", 0.0, 1.0, gaps=False),)).decode(x)


def test_a_table_without_columns_is_refused() -> None:
    with pytest.raises(InputError, match="no columns"):
        fit(pa.table({}))


def test_every_entry_of_a_vector_has_a_name() -> None:
    t = pa.table({"a": [1.5, 2.5, None], "b": [0.5, 1.5, 2.5], "kind": ["x", None, "z"]})
    codec = fit(t)
    assert codec.entries == ["a", "a: gap", "b", "kind: x", "kind: z", "kind: gap"]
    assert len(codec.entries) == codec.width


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_legal_vectors_are_those_of_the_rows_they_decode_to(seed: int) -> None:
    t = table()
    codec = fit(t)
    x = 2 * torch.randn(50, codec.width, generator=torch.Generator().manual_seed(seed))
    legal = codec.legal(x)
    torch.testing.assert_close(codec.encode(codec.decode(x)), legal, atol=1e-6, rtol=1e-5)
    assert codec.decode(legal).equals(codec.decode(x)) or x.isnan().any()
    torch.testing.assert_close(codec.legal(legal), legal)
    torch.testing.assert_close(codec.legal(codec.encode(t)), codec.encode(t))


@pytest.mark.parametrize("column", [[2.5, 2.5, 2.5], ["x"] * 3, [7, 7, 7], [True] * 3])
def test_a_column_with_one_value_is_told(column: list) -> None:
    t = pa.table({"fine": [1.0, 2.0, 3.0], "c": column})
    with pytest.raises(InputError, match=f"column 'c' holds one value, {column[0]!r}, in every training row: drop it"):
        check_varied(fit(t), t)
    gaps = pa.table({"c": [column[0], None, column[0]]})
    check_varied(fit(gaps), gaps)  # whether it is there tells something
