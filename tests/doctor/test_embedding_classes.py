"""The mixing of two classes is one for one law and zero apart, whatever their sizes; the words fit the case."""

import pytest
import torch

from likeness.doctor.embedding_classes import classes, mixing
from likeness.represent.nearest import nearest


@pytest.mark.parametrize("sizes", [(300, 300), (500, 100)])
def test_mixing_is_one_for_one_law_and_zero_for_two(sizes: tuple[int, int]) -> None:
    y = torch.arange(2).repeat_interleave(torch.tensor(sizes))
    z = torch.randn(len(y), 2)
    one = mixing(y[nearest(z, 10).place], y, 2)
    assert float(one[0, 1]) == pytest.approx(1, abs=0.2)
    two = mixing(y[nearest(z + 100 * y[:, None], 10).place], y, 2)
    assert float(two[0, 1]) == 0
    assert bool(mixing(y[nearest(z[:2], 1).place], y[:2], 2).isnan().all())


def test_one_class_is_said_and_nothing_more() -> None:
    part = classes(torch.randn(30, 4), torch.ones(30).long(), ("a", "b"))
    assert part.words == ["All rows are of one class (b): there is nothing to tell apart."]
    assert not part.findings


def test_rows_of_the_table_name_the_class_that_is_nearest() -> None:
    y = torch.arange(300) % 3
    z = torch.tensor([[0.0, 1, 0], [0.2, 1, 0], [0, 0, 1]])[y] + 0.05 * torch.randn(300, 3)
    part = classes(z, y, ("ape", "man", "sea"))
    assert part.numbers["class ape"]["nearest class"] == "man"
    assert part.numbers["class man"]["nearest class"] == "ape"
    assert part.numbers["class sea"]["own class among neighbours"] == 1
    assert part.numbers["class ape"]["discriminant ratio to it"] < part.numbers["class sea"]["discriminant ratio to it"]


def test_a_class_of_one_row_and_one_without_any() -> None:
    y = torch.tensor([0] * 20 + [1] * 20 + [3])
    part = classes(torch.randn(41, 4) + 5 * torch.eye(4)[y], y, tuple("abcd"))
    assert set(part.numbers) == {"class a", "class b", "class d"}
    assert part.numbers["class d"]["uniformity"] is None


def test_of_many_classes_the_least_pure_are_shown() -> None:
    y = torch.arange(900) % 30
    z = torch.eye(30)[y] + 0.05 * torch.randn(900, 30)
    z[y == 7] = torch.eye(30)[8] + 0.05 * torch.randn(30, 30)
    part = classes(z, y, tuple(map(str, range(30))))
    assert len(part.numbers) == 20
    assert set(list(part.numbers)[:2]) == {"class 7", "class 8"}
    assert "7 and 8" in part.findings[0].saw
