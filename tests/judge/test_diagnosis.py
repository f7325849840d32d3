import pytest
import torch

from likeness.judge import diagnosis
from likeness.judge.diagnosis import of_columns
from likeness.judge.score import score


def codes(findings):
    return [f.code for f in findings]


@pytest.mark.parametrize(
    ("n", "m", "d", "expected"),
    [
        (600, 600, 64, []),
        (100, 600, 64, ["n-small"]),
        (600, 400, 64, ["reference-small"]),
        (600, 600, 400, ["n-small"]),
    ],
)
def test_sizes(n, m, d, expected):
    assert codes(diagnosis.of_sizes(n, m, d)) == expected


def test_ranges():
    x = torch.rand(100, 1, 4, 4) * 2 - 1
    assert diagnosis.of_range(torch.rand(100, 1, 4, 4) * 2 - 1, x) == []
    for other in (x * 127.5 + 127.5, (x + 1) / 2, x * 0.01, x + 3):
        assert codes(diagnosis.of_range(other, x)) == ["range-differs"]
    outlier = x.clone()
    outlier[0, 0, 0, 0] = 50
    assert diagnosis.of_range(outlier, x) == []


def test_copies():
    x, reference = torch.randn(100, 1, 3, 3), torch.randn(100, 1, 3, 3)
    assert diagnosis.of_copies(x, reference) == []
    assert codes(diagnosis.of_copies(x[:50].repeat(2, 1, 1, 1), reference)) == ["repeated-samples"]
    assert codes(diagnosis.of_copies(torch.cat((x[:80], reference[:20])), reference)) == ["reference-leaked"]


def test_few_kinds_of_rows_are_no_copies_where_the_reference_has_few_too():
    x, reference = (torch.randint(2, (200, 2)).float() for _ in range(2))
    assert diagnosis.of_copies(x, reference) == []


def test_shares_of_rows():
    x = torch.tensor([[1.0, 2.0], [0.0, 0.0], [1.0, 2.0], [-0.0, 0.0]])
    assert diagnosis.repeats(x) == 0.5
    assert diagnosis.twins(x) == 1
    assert diagnosis.twins(x[:2]) == 0
    assert diagnosis.shared(x, torch.tensor([[1.0, 2.0], [5.0, 5.0]])) == 0.5


def test_memorisation():
    row = score("memorisation", (0.5, 0.4, 0.6), z=0.1, near=0.05)
    assert diagnosis.of_memorisation(row) == []
    for exposed in (row._replace(value=0.9, detail={"z": 9, "near": 0.1}), row._replace(detail={"z": 0, "near": 0.5})):
        assert codes(diagnosis.of_memorisation(exposed)) == ["memorised"]
    assert codes(diagnosis.of_memorisation(None)) == ["memorisation-unseen"]


def test_columns_that_differ_more_than_other_rows_do_are_named():
    worst = {"worst": "income", "largest": 0.3}
    real = score("marginals", (0.02, 0.01, 0.03), "held-out")
    (found,) = of_columns(score("marginals", (0.1, 0.08, 0.12), worst="income", largest=0.3), real)
    assert "income (by 0.3)" in found.saw
    assert not of_columns(score("marginals", (0.04, 0.02, 0.06), **worst), real)
    assert not of_columns(score("marginals", (0.1, 0.08, 0.12), **worst), None)
