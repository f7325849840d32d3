"""Every row is linear, has the transpose of its function, and solves what it says."""

import pytest
import torch
from torch.nn import functional

from likeness.diffusion.measurements import conjugate_gradients, linear, masked, matrix, pooled
from likeness.errors import InputError

EVENT = (2, 4, 6)
BLUR = torch.tensor([[1.0, 2.0, 1.0]]).T @ torch.tensor([[1.0, 2.0, 1.0]]) / 16


def blurred(x: torch.Tensor) -> torch.Tensor:
    return functional.conv2d(x, BLUR.to(x).expand(2, 1, 3, 3), padding=1, groups=2)


ROWS = {
    "masked": masked(torch.rand(EVENT, generator=torch.Generator().manual_seed(0)) < 0.4),
    "pooled": pooled(2),
    "matrix": matrix(torch.randn(7, 48, generator=torch.Generator().manual_seed(0)), EVENT),
    "blurred": linear(blurred, EVENT),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_the_transpose_is_that_of_the_function(row) -> None:
    x = torch.randn(5, *EVENT)
    y = row.A(x)
    u = torch.randn_like(y)
    left, right = (u * y).flatten(1).sum(1), (row.transpose(u) * x).flatten(1).sum(1)
    torch.testing.assert_close(left, right, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_it_solves_its_equation(row) -> None:
    u = torch.randn_like(row.A(torch.randn(5, *EVENT)))
    r, v = torch.rand(5) + 0.1, torch.rand(5) + 0.1
    w = row.solve(u, r, v)
    wide = (5, *[1] * (u.ndim - 1))
    torch.testing.assert_close(r.view(wide) * row.A(row.transpose(w)) + v.view(wide) * w, u, atol=1e-4, rtol=1e-4)


def test_conjugate_gradients_end_where_nothing_is_left() -> None:
    K = torch.tensor([[2.0, 0.5], [0.5, 1.0]])
    u = torch.stack((torch.zeros(2), torch.randn(2)))
    found = conjugate_gradients(lambda w: w @ K, u, 40)
    torch.testing.assert_close(found, torch.linalg.solve(K, u.T).T)


def test_bad_input_is_named() -> None:
    for make in (
        lambda: masked(torch.zeros(3, dtype=torch.bool)),
        lambda: pooled(0),
        lambda: pooled(4).A(torch.zeros(1, *EVENT)),
    ):
        with pytest.raises(InputError):
            make()
