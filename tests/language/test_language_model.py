"""Probabilities of all sequences sum to one, and a model learns what its text repeats."""

from itertools import product

import pytest
import torch
from torch.optim import Adam

from likeness.core import learn
from likeness.data.batch import Batch
from likeness.errors import InputError
from likeness.language.language_model import LanguageModel
from likeness.nn.lstm import LSTM
from likeness.nn.transformer import Transformer
from likeness.sampling import draw
from likeness.testing import check_method

NETWORKS = {
    "lstm": lambda v, t: LSTM(v, width=8),
    "transformer": lambda v, t: Transformer(v, t, width=8, layers=1, heads=2),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_contract(name: str) -> None:
    build = NETWORKS[name]
    check_method(
        lambda: LanguageModel(build(6, 10), 10), Batch(torch.randint(6, (9, 10))), lambda m: Adam(m.parameters(), 1e-3)
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_probabilities_of_all_sequences_sum_to_one(name: str) -> None:
    model = LanguageModel(NETWORKS[name](3, 4), 4)
    every = torch.tensor(list(product(range(3), repeat=4)))
    p = model.log_prob(every).double().exp()
    assert abs(float(p.sum()) - 1) < 1e-5
    drawn = draw(model.sample, 4000, generator=0)
    place = (drawn * torch.tensor([27, 9, 3, 1])).sum(1)
    assert (torch.bincount(place, minlength=81) / 4000 - p).abs().max() < 0.02


def test_it_learns_what_repeats() -> None:
    model = LanguageModel(LSTM(4, width=16, dropout=0.0), 8)
    x = (torch.arange(8) + torch.arange(4)[:, None]) % 4
    adam = Adam(model.parameters(), 1e-2)
    for _ in range(150):
        learn(model, Batch(x), adam)
    assert abs(float(model.log_prob(x).mean()) + torch.log(torch.tensor(4.0))) < 0.2  # the first token alone is open
    after = model.sample(3, generator=0, prompt=torch.tensor([2]), length=12)
    assert torch.equal(after, ((torch.arange(12) + 2) % 4).expand(3, 12))


def test_ids_of_another_vocabulary_are_refused() -> None:
    with pytest.raises(InputError, match="token 6"):
        LanguageModel(LSTM(6, width=4), 3).log_prob(torch.tensor([[0, 6, 1]]))
