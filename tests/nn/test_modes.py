"""Evaluation for the length of a block."""

import pytest
from torch import nn

from likeness.nn.modes import evaluating


def test_every_part_returns_to_its_own_mode_even_after_an_error() -> None:
    net = nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1)).train()
    net[1].eval()
    with pytest.raises(RuntimeError), evaluating(net):
        assert not any(m.training for m in net.modules())
        raise RuntimeError
    assert [m.training for m in net.modules()] == [True, True, False]
