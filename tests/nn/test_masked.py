"""Outputs of an entry see the entries before it in the order, all of them, and no other."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from likeness.errors import InputError
from likeness.nn.masked import MaskedLinear, MaskedMLP, degrees


def depends(net: MaskedMLP, d: int, y: Tensor | None = None) -> Tensor:
    """(d, d): whether the outputs of an entry depend on another, for some of many vectors."""
    x = torch.randn(20, d)
    J = torch.autograd.functional.jacobian(lambda x: net(x, y).sum(0), x)
    return (J.abs().amax((0, 2)) > 0).reshape(d, d)


@settings(deadline=None, max_examples=25)
@given(
    d=st.integers(1, 7),
    outputs=st.integers(1, 3),
    depth=st.integers(1, 3),
    classes=st.sampled_from([0, 2]),
    seed=st.integers(0, 99),
)
def test_the_jacobian_is_strictly_lower_triangular_in_the_order(
    d: int, outputs: int, depth: int, classes: int, seed: int
) -> None:
    torch.manual_seed(seed)
    order = torch.randperm(d).tolist()
    net = MaskedMLP(d, outputs, width=64, depth=depth, classes=classes, order=order)
    y = torch.zeros(20, dtype=torch.long) if classes else None
    found = depends(net, d, y)[order][:, order]
    assert torch.equal(found, torch.ones(d, d).tril(-1).bool())


def test_few_units_for_many_entries_still_see_both_ends() -> None:
    assert degrees(100, 10).tolist() == [0, 10, 20, 30, 40, 50, 60, 70, 80, 90]
    assert degrees(3, 7).tolist() == [0, 1, 2, 0, 1, 2, 0]
    found = depends(MaskedMLP(30, 1, width=8), 30)
    assert not found.triu().any()


def test_a_class_moves_every_entry_the_first_too() -> None:
    net = MaskedMLP(4, 2, width=32, classes=2)
    x = torch.randn(1, 4)
    a, b = (net(x, torch.tensor([c])) for c in (0, 1))
    assert ((a - b).abs().amax((0, 1)) > 0).all()


def test_what_is_masked_stays_out() -> None:
    mask = torch.tensor([[True, False], [True, True]])
    layer, x = MaskedLinear(mask), torch.randn(3, 2)
    torch.testing.assert_close(layer(x), x @ (layer.weight * mask).T + layer.bias)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="0 layers of 128"):
        MaskedMLP(2, 1, depth=0)
    with pytest.raises(InputError, match=r"order \[0, 2\]"):
        MaskedMLP(2, 1, order=[0, 2])
    with pytest.raises(InputError, match="built without classes"):
        MaskedMLP(2, 1)(torch.zeros(1, 2), torch.zeros(1, dtype=torch.long))
