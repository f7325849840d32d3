from itertools import product

import pytest
import torch
from torch import Tensor

from likeness.chains.gibbs import binary, checkerboard, sweeps
from likeness.chains.state import last
from likeness.sampling import Streams

J = 0.4


def neighbours(y: Tensor) -> Tensor:
    """The sum over the sites beside, above and below, (m, h, w); nothing lies beyond the edge."""
    padded = torch.nn.functional.pad(y, (1, 1, 1, 1))
    return padded[:, :-2, 1:-1] + padded[:, 2:, 1:-1] + padded[:, 1:-1, :-2] + padded[:, 1:-1, 2:]


def log_f(y: Tensor, h: Tensor) -> Tensor:
    return J / 2 * (y * neighbours(y)).sum((1, 2)) + (h * y).sum((1, 2))


def test_sweeps_over_a_checkerboard_have_the_marginals_of_enumeration() -> None:
    h = torch.tensor([[0.3, -0.2, 0.1], [0.0, 0.5, -0.4]])
    every = torch.tensor(list(product((-1.0, 1.0), repeat=6))).view(-1, 2, 3)
    p = log_f(every, h).softmax(0)
    blocks = [binary(lambda y: 2 * (J * neighbours(y) + h), there) for there in checkerboard(2, 3)]
    y = last(sweeps(blocks, torch.ones(40_000, 2, 3), steps=30, source=Streams(0)))
    torch.testing.assert_close(y.mean(0), torch.einsum("k,kij->ij", p, every), atol=0.02, rtol=0)
    pairs = torch.einsum("kij,klm->ijlm", y, y) / len(y)
    torch.testing.assert_close(pairs, torch.einsum("k,kij,klm->ijlm", p, every, every), atol=0.02, rtol=0)


def test_no_site_of_a_colour_has_a_neighbour_of_its_own() -> None:
    for h, w in ((3, 4), (5, 5)):
        dark, light = checkerboard(h, w)
        assert (dark ^ light).all()
        for colour in (dark, light):
            assert not ((neighbours(colour[None].float())[0] > 0) & colour).any()


def test_only_the_block_moves_and_takes_its_two_values() -> None:
    there = torch.tensor([True, False, True])
    x = torch.full((500, 3), 7.0)
    new = binary(torch.zeros_like, there, low=0.0)(x, Streams(0))
    assert (new[:, 1] == 7).all()
    assert sorted(new[:, 0].unique().tolist()) == [0, 1]


def test_a_gaussian_pair_has_its_correlation() -> None:
    rho = 0.8

    def given_other(i: int):
        def block(x: Tensor, source: Streams) -> Tensor:
            x = x.clone()
            x[:, i] = rho * x[:, 1 - i] + (1 - rho**2) ** 0.5 * source.normal(len(x))
            return x

        return block

    x = last(sweeps([given_other(0), given_other(1)], torch.zeros(20_000, 2), steps=30, source=Streams(0)))
    assert float(x.T.corrcoef()[0, 1]) == pytest.approx(rho, abs=0.01)
    assert x.var(0).tolist() == pytest.approx([1, 1], abs=0.04)


def test_a_chain_depends_on_itself_alone() -> None:
    blocks = [binary(lambda y: 2 * J * neighbours(y), there) for there in checkerboard(4, 4)]
    whole = last(sweeps(blocks, torch.ones(10, 4, 4), steps=5, source=Streams(2)))
    part = last(sweeps(blocks, torch.ones(4, 4, 4), steps=5, source=Streams(2, 3)))
    assert torch.equal(part, whole[3:7])
