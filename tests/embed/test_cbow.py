"""The contract, the mean over neighbours that are there, and the analogies of the made corpus."""

import torch

from likeness.data.batch import Batch
from likeness.data.made_words import questions, sentences
from likeness.data.words import corpus
from likeness.embed.cbow import CBOW, fit
from likeness.embed.fitting import Passes
from likeness.embed.nearest import right
from likeness.embed.rows import RowAdagrad
from likeness.testing import check_method

ROWS = torch.randint(9, (24, 5), generator=torch.Generator().manual_seed(0))
ROWS[::3, 3:] = -1


def test_contract() -> None:
    def build() -> CBOW:
        made = CBOW([9, 8, 7, 6, 5, 4, 3, 2, 1], 4, block=5)
        torch.nn.init.normal_(made.negatives.vectors, std=0.1)
        return made

    check_method(build, Batch(ROWS), lambda m: RowAdagrad(m.parameters(), 0.1))


def test_the_mean_is_of_the_neighbours_that_are_there() -> None:
    made = CBOW([3, 2, 1], 4)
    W = made.W.weight.detach()
    found = made.mean(torch.tensor([[2, -1, 0], [1, -1, -1], [-1, -1, -1]])).detach()
    torch.testing.assert_close(found, torch.stack(((W[2] + W[0]) / 2, W[1], torch.zeros(4))))


def test_the_order_of_neighbours_does_not_matter() -> None:
    made, C = CBOW([1] * 9, 4), ROWS[:, 1:]
    torch.testing.assert_close(made.mean(C), made.mean(C.flip(1)))


def test_the_analogies_of_the_made_corpus() -> None:
    known = corpus(sentences(10_000, noise=0.2), minimum=1)
    found = fit(known, d=16, window=6, passes=Passes(3, 1024, 0.2))
    asked = torch.tensor([[found.id(word) for word in q] for q in questions()])
    assert right(found.table, asked) >= 50
