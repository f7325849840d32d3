"""The contract, the loss by hand, exact counts are fitted, and the ratios of ice and steam."""

import math

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix
from torch.optim import Adagrad

from likeness.core import train
from likeness.data.batch import Batch
from likeness.data.made_words import questions, sentences
from likeness.data.words import corpus
from likeness.embed.fitting import Passes
from likeness.embed.glove import GloVe, cells, fit, ratios
from likeness.embed.nearest import right
from likeness.errors import InputError
from likeness.testing import check_method

G = torch.Generator().manual_seed(0)
CELLS = Batch(torch.randint(9, (24, 2), generator=G), 200 * torch.rand(24, generator=G) + 0.1)


def test_contract() -> None:
    check_method(lambda: GloVe(9, 4), CELLS, lambda m: Adagrad(m.parameters(), 0.05))


def test_the_loss_by_hand() -> None:
    made = GloVe(3, 2)
    for table, value in ((made.W, 0.5), (made.C, 2.0), (made.b, 0.25), (made.c, -0.75)):
        torch.nn.init.constant_(table.weight, value)
    expected = [(x / 100 if x < 100 else 1) ** 0.75 * (2 - 0.5 - math.log(x)) ** 2 for x in (10.0, 400.0)]
    torch.testing.assert_close(
        made.loss(torch.tensor([[0, 1], [2, 2]]), torch.tensor([10.0, 400.0])), torch.tensor(expected)
    )
    torch.testing.assert_close(made.vectors(), torch.full((3, 2), 2.5))


def test_counts_of_low_rank_are_fitted() -> None:
    torch.manual_seed(0)
    log = torch.randn(12, 2) @ torch.randn(2, 12) + 3
    x = torch.cartesian_prod(torch.arange(12), torch.arange(12))
    made = GloVe(12, 4, x_max=1.0)
    *_, last = train(made, [Batch(x, log.flatten().exp())] * 600, Adagrad(made.parameters(), 0.4))
    assert float(last.terms["glove"]) < 1e-3


def test_the_ratios_of_ice_and_steam() -> None:
    """Table 1 of the paper: P(k|ice) and P(k|steam) as printed, of solid, gas, water and fashion."""
    P = torch.tensor([[1.9e-4, 6.6e-5, 3.0e-3, 1.7e-5], [2.2e-5, 7.8e-4, 2.2e-3, 1.8e-5]])
    solid, gas, water, fashion = ratios(P).tolist()
    assert 8.6 <= solid <= 8.9
    assert gas == pytest.approx(8.5e-2, abs=5e-4)
    assert water == pytest.approx(1.36, abs=5e-3)
    assert 0.94 <= fashion <= 0.96


def test_the_analogies_of_the_noisy_corpus() -> None:
    known = corpus(sentences(15_000, noise=0.2), minimum=1)
    found = fit(known, d=16, window=6, passes=Passes(250, 3000, 0.15))
    asked = torch.tensor([[found.id(word) for word in q] for q in questions()])
    assert right(found.table, asked) >= 55


def test_counts_above_zero_are_the_cells() -> None:
    x, y = cells(csr_matrix(np.array([[0.0, 2.0], [0.5, 0.0]])))
    assert x.tolist() == [[0, 1], [1, 0]]
    assert y.tolist() == [2.0, 0.5]
    with pytest.raises(InputError, match="no two words stand together"):
        cells(csr_matrix((2, 2)))
    with pytest.raises(InputError, match="x_max 0"):
        GloVe(3, 2, x_max=0.0)
