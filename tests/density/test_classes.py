"""Classes: they sum to the whole, occur by their shares, and are asked for where they are needed."""

import pytest
import torch

from likeness.density.classes import chosen, joint, named, shares, summed
from likeness.errors import InputError


def test_shares_are_of_one_and_wrong_ones_are_named() -> None:
    torch.testing.assert_close(shares(torch.tensor([1, 3])), torch.tensor([0.25, 0.75]))
    assert shares(None) is None
    for wrong in (torch.zeros(2), torch.tensor([-1.0, 2.0]), torch.ones(2, 2)):
        with pytest.raises(InputError, match="label frequencies"):
            shares(wrong)


def test_the_sum_over_classes_is_the_whole() -> None:
    p, table = torch.tensor([0.25, 0.75]), torch.tensor([[-1.0, -2.0, -3.0], [-2.0, -2.0, 0.0]])
    x = torch.arange(3.0)

    def log_prob(y: torch.Tensor) -> torch.Tensor:
        return table[y, torch.arange(3)]

    expected = (0.25 * table[0].exp() + 0.75 * table[1].exp()).log()
    torch.testing.assert_close(summed(p, log_prob, x), expected)
    torch.testing.assert_close(joint(p, log_prob, x).softmax(1)[:, 1], 0.75 * (table[1] - expected).exp())


def test_classes_occur_by_their_shares_of_all_or_of_each() -> None:
    u = torch.rand(20_000)
    found = torch.bincount(chosen(torch.tensor([0.2, 0.5, 0.3]), u)) / len(u)
    torch.testing.assert_close(found, torch.tensor([0.2, 0.5, 0.3]), atol=0.02, rtol=0)
    each = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    assert chosen(each, torch.tensor([0.99, 0.01])).tolist() == [0, 1]


def test_labels_are_asked_for_where_there_are_classes() -> None:
    y = torch.tensor([0, 1])
    assert named(None, y) == {}
    assert named(torch.ones(2) / 2, y)["y"] is y
    with pytest.raises(InputError, match="conditional on labels"):
        named(torch.ones(2) / 2, None)
