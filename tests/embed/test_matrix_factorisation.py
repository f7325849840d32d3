"""The contract, the formula, exact tables of low rank, and that a small table is memorised and not understood."""

import math

import pytest
import torch
from torch.optim import Adam

from likeness.data.batch import Batch
from likeness.data.ratings import Ratings, from_grid, held_out, made_ratings
from likeness.embed.matrix_factorisation import MatrixFactorisation, fit
from likeness.errors import InputError
from likeness.testing import check_method

G = torch.Generator().manual_seed(0)
CELLS = Batch(torch.randint(5, (24, 2), generator=G), 5 * torch.rand(24, generator=G))


@pytest.mark.parametrize("given", [{}, {"l2": 0.1}, {"biases": False}, {"d": 0, "mean": 2.0}])
def test_contract(given: dict) -> None:
    moves = lambda m: Adam([p for p in m.parameters() if p.requires_grad], 0.05)  # noqa: E731
    check_method(lambda: MatrixFactorisation(5, 5, **given), CELLS, moves)


def test_the_formula() -> None:
    made = MatrixFactorisation(2, 3, 2, mean=3.0)
    for table, value in ((made.P, 0.5), (made.Q, 2.0), (made.b_u, 0.25), (made.b_i, -1.0)):
        torch.nn.init.constant_(table.weight, value)
    expected = 3.0 + 0.25 - 1.0 + 2 * 0.5 * 2.0
    assert made.table().flatten().tolist() == [expected] * 6
    torch.testing.assert_close(made(torch.tensor([[1, 2]])).detach(), torch.tensor([expected]))
    assert made.rmse(torch.tensor([[0, 0], [1, 1]]), torch.tensor([expected + 3, expected - 4])) == pytest.approx(
        math.sqrt(12.5)
    )


def test_without_noise_the_cells_that_nobody_rated_are_found() -> None:
    given = made_ratings(40, 30, rank=2, noise=0.0, seen=0.7, seed=3)
    seen, out = held_out(given, 0.2)
    made = fit(seen, d=2, l2=0.01, steps=400, lr=0.1)
    assert made.rmse(out.x, out.r) < 0.1
    torch.testing.assert_close(made.table()[out.x[:, 0], out.x[:, 1]], made(out.x).detach())


def small(seed: int) -> Ratings:
    """Half stars of 15 users for 15 films, most cells seen."""
    made = made_ratings(15, 15, rank=3, noise=0.75, seen=206 / 225, generous=0.4, taste=0.3, seed=seed)
    return Ratings(made.users, made.items, made.x, (2 * made.r).round().clamp(1, 10) / 2)


def test_a_small_table_is_memorised() -> None:
    given = small(0)
    seen, out = held_out(given, 0.2)
    plain, held = (fit(seen, d=5, l2=l2, steps=300, lr=0.05) for l2 in (0.0, 3.0))
    mean = float((out.r - seen.r.mean()).square().mean().sqrt())
    assert plain.rmse(seen.x, seen.r) < 0.5
    assert plain.rmse(out.x, out.r) > mean, "fitted well, it predicts worse than the mean"
    assert held.rmse(out.x, out.r) < 0.7 * plain.rmse(out.x, out.r), "a penalty helps"


def test_generous_users_have_a_high_bias() -> None:
    given = small(1)
    means = torch.stack([given.r[given.x[:, 0] == u].mean() for u in range(15)])
    b = fit(given, d=5, l2=3.0, steps=250, lr=0.05).b_u.weight[:, 0].detach()
    assert float(torch.corrcoef(torch.stack((b, means)))[0, 1]) > 0.9


def test_nothing_to_share_is_refused() -> None:
    with pytest.raises(InputError, match="1 users"):
        fit(from_grid(torch.tensor([[1.0, 2.0]])))
    with pytest.raises(InputError, match="vectors or biases"):
        MatrixFactorisation(3, 3, 0, biases=False)
