"""Shapes, and the gate: shut, a layer says nothing; open, it is linear."""

import pytest
import torch

from likeness.errors import InputError
from likeness.nn.gated import GatedMLP


def test_between_shapes() -> None:
    assert GatedMLP((1, 4, 4), (6,), width=8)(torch.randn(3, 1, 4, 4)).shape == (3, 6)
    assert GatedMLP((6,), (2, 4, 4), width=8)(torch.randn(3, 6)).shape == (3, 2, 4, 4)
    with pytest.raises(InputError, match="depth 0"):
        GatedMLP((2,), (2,), depth=0)


def test_the_gate_shuts_and_opens() -> None:
    net, x = GatedMLP((3,), (2,), width=4, depth=1), torch.randn(5, 3)
    layer = net.layers[0]
    with torch.no_grad():
        layer.weight[4:] = 0
        layer.bias[4:] = -100
        torch.testing.assert_close(net(x), net.head.bias.expand(5, 2))
        layer.bias[4:] = 100
        torch.testing.assert_close(net(x), net.head(x @ layer.weight[:4].T + layer.bias[:4]))
