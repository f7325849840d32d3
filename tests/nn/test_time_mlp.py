"""It begins at zero, is told the time and the class, and learns what depends on both."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.optim import Adam

from likeness.errors import InputError
from likeness.nn.time_mlp import TimeMLP


@settings(max_examples=15, deadline=None)
@given(d=st.integers(1, 5), outputs=st.integers(1, 2), classes=st.integers(0, 3), depth=st.integers(1, 3))
def test_shapes_and_a_start_at_zero(d: int, outputs: int, classes: int, depth: int) -> None:
    F = TimeMLP(d, outputs=outputs, classes=classes, width=8, depth=depth)
    y = torch.tensor([0, classes - 1]) if classes else None
    out = F(torch.randn(2, d), torch.tensor([0.0, 999.0]), y)
    assert out.shape == (2, outputs * d)
    assert not out.any()


def test_what_depends_on_the_level_and_the_class_is_learned() -> None:
    F = TimeMLP(1, width=32, depth=2, classes=2)
    optimiser = Adam(F.parameters(), 3e-3)
    t, y = torch.rand(256) * 2 - 1, torch.randint(2, (256,))
    x = torch.randn(256, 1)
    wanted = t[:, None] * x + y[:, None]
    for _ in range(300):
        optimiser.zero_grad()
        loss = (F(x, t, y) - wanted).square().mean()
        loss.backward()
        optimiser.step()
    assert float(loss.detach()) < 0.05 * float(wanted.var())


def test_a_sample_is_its_own() -> None:
    F, x, t = TimeMLP(3, width=8), torch.randn(4, 3), torch.rand(4)
    for p in F.parameters():
        torch.nn.init.normal_(p, std=0.3)
    torch.testing.assert_close(F(x, t)[2:3], F(x[2:3], t[2:3]))


def test_depth_is_checked() -> None:
    with pytest.raises(InputError, match="depth 0"):
        TimeMLP(2, depth=0)


def test_as_many_numbers_as_are_asked_for() -> None:
    assert TimeMLP(3, size=7, width=8)(torch.randn(4, 3), torch.zeros(4)).shape == (4, 7)
