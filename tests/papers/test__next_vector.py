"""Both ways learn a sequence that is certain; where two tokens are as likely, the mean of their vectors is neither."""

import torch
from torch.optim import Adam

from likeness.core import train
from likeness.data.batch import Batch
from likeness.papers._next_vector import NextVector, after_beginning
from likeness.testing import check_method


def taught(x: torch.Tensor, table: torch.Tensor) -> NextVector:
    torch.manual_seed(0)
    method = NextVector(table, 16)
    for _ in train(method, [Batch(x)] * 150, Adam(method.parameters(), 1e-2)):
        pass
    return method


def test_contract() -> None:
    x = torch.arange(24).reshape(4, 6) % 5
    check_method(lambda: NextVector(torch.randn(5, 3), 4), Batch(x), lambda m: Adam(m.parameters(), 1e-3))


def test_what_is_certain_is_learned() -> None:
    x = (torch.arange(6) % 3).repeat(8, 1)
    assert (taught(x, torch.eye(3)).predicted(x) == x).all()


def test_the_mean_of_two_vectors_may_be_nearest_to_a_third() -> None:
    """Tokens 0 and 1 follow each other at random; token 2, which never comes, lies between them."""
    table = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.8, 0.8]])
    x = torch.randint(2, (64, 6), generator=torch.Generator().manual_seed(0))
    assert (taught(x, table).predicted(x) == 2).float().mean() > 0.9


def test_every_token_is_predicted_from_those_before_it() -> None:
    assert after_beginning(torch.tensor([[3, 1, 2]]), 9).tolist() == [[9, 3, 1]]
