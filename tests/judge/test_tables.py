"""Distances of columns and associations of pairs: scipy's values, axioms, and what each of them sees."""

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from likeness.data import load, whole
from likeness.data.columns import Columns, fit
from likeness.judge.resample import GROUPS
from likeness.judge.tables import association, associations, compare, distance, variables

DATA = load("mixed-table", limit=3000)
COLUMNS = DATA.columns
TRAIN, TEST = whole(DATA.train).x, whole(DATA.test, 3000).x


def permuted(x: torch.Tensor, columns: Columns, seed: int = 0) -> torch.Tensor:
    """Every column in an order of its own."""
    generator = torch.Generator().manual_seed(seed)
    blocks = x.split([c.width for c in columns.columns], dim=1)
    return torch.cat([b[torch.randperm(len(b), generator=generator)] for b in blocks], dim=1)


def table(n: int = 400, seed: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)
    a = rng.normal(size=n)
    b = a + rng.normal(size=n)
    k = np.digitize(a + rng.normal(size=n), [-0.5, 0.5])
    m = (k + (rng.random(n) < 0.3)) % 3
    return pa.table({"a": a, "b": pa.array(b, mask=rng.random(n) < 0.2), "k": k.astype(str), "m": m.astype(str)})


def test_identical_rows_differ_in_nothing() -> None:
    same = compare(TEST, TEST, COLUMNS)
    assert all(d.mean == (0, 0, 0) and d.largest == 0 for d in same)


def test_permuted_columns_keep_their_marginals_and_lose_their_association() -> None:
    found = compare(permuted(TEST, COLUMNS), TEST, COLUMNS)
    assert found.marginals.mean[0] == pytest.approx(0, abs=1e-12)
    assert found.gaps.mean[0] == pytest.approx(0, abs=1e-12)
    assert found.association.mean[1] > 0.2
    other = compare(TRAIN, TEST, COLUMNS)
    assert other.association.mean[2] < 0.05, "fresh rows of the same law are not taken for others"


def test_one_column_that_is_changed_is_named() -> None:
    x = TEST.clone()
    at = COLUMNS.entries.index("income")
    x[:, at] += 1.0
    found = compare(x, TEST, COLUMNS)
    assert found.marginals.worst == "income"
    assert found.association.mean[0] < 1e-9, "ranks do not change"
    y = TEST.clone()
    y[:, at] = -y[:, at]
    assert "income" in compare(y, TEST, COLUMNS).association.worst


def test_gaps_are_counted_and_told_apart_from_values() -> None:
    x, at = TEST.clone(), COLUMNS.entries.index("rating: gap")
    x[:, at], x[:, at - 1] = 1.0, 0.0
    found = compare(x, TEST, COLUMNS)
    share = float(TEST[:, at].mean())
    assert found.gaps.worst == "rating"
    assert found.gaps.largest == pytest.approx(1 - share, abs=1e-6)
    assert found.marginals.worst == "rating", "a column without a value is as far as can be"
    assert found.marginals.largest == 1


def test_each_association_is_the_textbooks() -> None:
    t = table()
    names, A = association(fit(t).encode(t), fit(t))
    at = {name: i for i, name in enumerate(names)}
    assert names == ["a", "b", "b: gap", "k", "m"]
    there = ~np.asarray(t["b"].is_null())
    a, b, k, m = (t[n].to_numpy(zero_copy_only=False) for n in ("a", "b", "k", "m"))
    # the ranks are those among all values of a column, scipy's those among the rows that have both
    assert A[at["a"], at["b"]] == pytest.approx(stats.spearmanr(a[there], b[there]).statistic, abs=5e-3)
    h = stats.kruskal(*(a[k == v] for v in np.unique(k))).statistic  # H = (n - 1) η² of the ranks
    eta = h / (len(a) - 1)
    assert A[at["a"], at["k"]] == pytest.approx(np.sqrt(1 - (1 - eta) * (len(a) - 1) / (len(a) - 3)), abs=1e-6)
    counts = np.array([[((k == u) & (m == v)).sum() for v in np.unique(m)] for u in np.unique(k)])
    phi2 = max(0, stats.chi2_contingency(counts, correction=False).statistic / len(a) - 4 / (len(a) - 1))
    assert A[at["k"], at["m"]] == pytest.approx(np.sqrt(phi2 / (3 - 4 / (len(a) - 1) - 1)), abs=1e-6)
    assert torch.equal(A, A.T)


def test_a_column_and_its_copy_are_wholly_associated_and_independent_ones_hardly() -> None:
    rng = np.random.default_rng(3)
    a, k = rng.normal(size=5000), rng.integers(0, 4, 5000).astype(str)
    t = pa.table({"a": a, "copy": 3 * a**3, "k": k, "other": k, "alone": rng.integers(0, 2, 5000).astype(str)})
    _, A = association(fit(t).encode(t), fit(t))
    assert A[0, 1] == pytest.approx(1, abs=1e-9)
    assert A[2, 3] == pytest.approx(1, abs=1e-3)
    assert A[:4, 4].max() < 0.04
    assert A[:2, 2].max() < 0.04


@settings(max_examples=20, deadline=None)
@given(n=st.integers(20, 60), m=st.integers(20, 60), seed=st.integers(0, 1000))
def test_distances_are_scipys_and_their_copies_without_a_group_too(n: int, m: int, seed: int) -> None:
    g = torch.Generator().manual_seed(seed)
    columns = fit(pa.table({"a": [0.0, 1.0, 2.5]}))
    x, y = (torch.randn(size, 1, generator=g).mul(3).round() for size in (n, m))
    (a,), (b,) = variables(x, columns), variables(y, columns)
    found = distance(a, b)
    assert float(found[0]) == pytest.approx(stats.ks_2samp(x[:, 0].numpy(), y[:, 0].numpy()).statistic, abs=1e-9)
    keep_x, keep_y = (torch.arange(size) * GROUPS // size != 4 for size in (n, m))
    less = stats.ks_2samp(x[keep_x, 0].numpy(), y[keep_y, 0].numpy()).statistic
    assert float(found[5]) == pytest.approx(less, abs=1e-9)


def test_associations_without_a_group_are_those_of_the_other_rows() -> None:
    t = table(200)
    columns = fit(t)
    x = columns.encode(t)
    keep = torch.arange(200) * GROUPS // 200 != 2
    without, fewer = associations(variables(x, columns))[:, 3], associations(variables(x[keep], columns))[:, 0]
    names = ["a", "b", "b: gap", "k", "m"]
    pairs = [(p, q) for i, p in enumerate(names) for q in names[i + 1 :]]
    exact = [i for i, pair in enumerate(pairs) if not {"a", "b"} & set(pair)]
    assert torch.allclose(without[exact], fewer[exact], atol=1e-9)
    assert torch.allclose(without, fewer, atol=0.02), "ranks are those among all rows"


def test_a_value_that_was_never_seen_counts_as_another() -> None:
    t = pa.table({"k": ["u", "v"] * 50})
    columns = fit(t)
    strange = columns.encode(pa.table({"k": ["w"] * 100}))
    assert compare(strange, columns.encode(t), columns).marginals.largest == 1


def test_a_single_column_has_no_pairs() -> None:
    t = pa.table({"a": np.arange(50.0)})
    columns = fit(t)
    found = compare(columns.encode(t), columns.encode(t), columns)
    assert found.association is None
    assert found.gaps is None


def test_collapsed_columns_are_associated_with_nothing() -> None:
    x = TEST[:1].expand(200, -1)
    names, A = association(x, COLUMNS)
    assert A.isfinite().all()
    assert float(A.sum()) == len(names)
