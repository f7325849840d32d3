"""The contract, a look-up as a product, which rows a gradient reaches, and the analogies of the made corpus."""

import pytest
import torch
from torch.nn.functional import one_hot

from likeness.data.batch import Batch
from likeness.data.made_words import questions, sentences
from likeness.data.words import corpus
from likeness.embed.fitting import Passes
from likeness.embed.nearest import right
from likeness.embed.rows import RowAdagrad
from likeness.embed.skip_gram import SkipGram, fit
from likeness.errors import InputError
from likeness.testing import check_method

PAIRS = Batch(torch.randint(9, (24, 2), generator=torch.Generator().manual_seed(0)), torch.rand(24))


@pytest.mark.parametrize("given", [{}, {"block": 5}, {"block": 1}])
def test_contract(given: dict) -> None:
    def build() -> SkipGram:
        made = SkipGram([9, 8, 7, 6, 5, 4, 3, 2, 1], 4, **given)
        torch.nn.init.normal_(made.negatives.vectors, std=0.1)  # of zeros, the first step reaches no word
        return made

    check_method(build, PAIRS, lambda m: RowAdagrad(m.parameters(), 0.1))


def test_a_look_up_is_a_one_hot_vector_times_the_table() -> None:
    made, x = SkipGram([3, 2, 1], 4), torch.tensor([2, 0, 2])
    torch.testing.assert_close(made.encode(x), (one_hot(x, 3).float() @ made.W.weight).detach())


def test_a_gradient_reaches_only_the_rows_that_were_looked_up() -> None:
    made = SkipGram(range(1, 51), 4, noise=3, block=4, k=3)
    torch.nn.init.normal_(made.negatives.vectors)
    batch = Batch(torch.tensor([[4, 7], [9, 1]]))
    drawn = made.negatives.draw(2)
    made.terms(batch, drawn)["contrast"].backward()
    rows = lambda p: set(p.grad.abs().sum(1).nonzero()[:, 0].tolist())  # noqa: E731
    assert rows(made.W.weight) == {4, 9}
    assert rows(made.negatives.vectors) == {7, 1} | set(drawn[0].flatten().tolist())


def test_the_analogies_of_the_made_corpus() -> None:
    known = corpus(sentences(10_000, noise=0.2), minimum=1)
    found = fit(known, d=16, window=6, passes=Passes(2, 2048, 0.2))
    asked = torch.tensor([[found.id(word) for word in q] for q in questions()])
    torch.manual_seed(0)
    assert right(torch.randn(len(found), 16), asked) <= 3
    assert right(found.table, asked) == 60


def test_numbers_that_are_none_are_refused() -> None:
    with pytest.raises(InputError, match="epochs 0"):
        fit(corpus(sentences(20), minimum=1), window=3, passes=Passes(epochs=0))
