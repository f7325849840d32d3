"""Shares of n-grams are counted, their squares sum to one, and texts of two kinds lie apart."""

import torch

from likeness.nn.ngrams import NgramFeatures, shares


def test_squares_are_shares() -> None:
    phi = shares(torch.tensor([[1, 1, 1, 1], [0, 1, 2, 3]]))
    assert torch.allclose(phi.square().sum(1), torch.ones(2))
    assert sorted(phi[0].square().nonzero()[:, 0].tolist()) == phi[0].nonzero()[:, 0].tolist()
    assert torch.allclose(phi[0].square().sort(descending=True).values[:3], torch.tensor([4, 3, 2]) / 9)


def test_order_is_seen_and_floats_of_ids_are_ids() -> None:
    a, b = torch.tensor([[0, 1, 0, 1, 0, 1]]), torch.tensor([[0, 0, 0, 1, 1, 1]])
    assert not torch.allclose(shares(a), shares(b))
    assert torch.equal(shares(a), shares(a.float()))


def test_texts_of_two_kinds_lie_apart() -> None:
    a, b = torch.randint(0, 5, (60, 40)), torch.randint(5, 10, (60, 40))
    f = NgramFeatures(torch.cat((a, b)), components=4)
    assert (f(a).mean(0) - f(b).mean(0)).norm() > 1.5
    assert torch.allclose(f(torch.cat((a, b))).std(0), torch.ones(4), atol=0.02)
