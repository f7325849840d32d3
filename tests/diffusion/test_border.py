"""What one way permutes the other permutes back; what does not fit is named."""

import pytest
import torch
from torch import nn

from likeness.diffusion.border import Entry, exported, fill, layer, permuted, same_groups
from likeness.errors import InputError


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(2, 6)


def turned(x: torch.Tensor) -> torch.Tensor:
    return x.unflatten(0, (2, 3)).transpose(0, 1).flatten(0, 1)


def test_a_round_trip_changes_no_bit() -> None:
    entries = [permuted(entry, turned) for entry in layer("a", "b")]
    net, other = Net(), Net()
    state = exported(net, entries)
    assert torch.equal(turned(state["b.weight"]), net.a.weight)
    assert not torch.equal(state["b.weight"], net.a.weight)
    fill(other, entries, state, "here")
    assert torch.equal(other.a.weight, net.a.weight)
    assert torch.equal(other.a.bias, net.a.bias)


def test_what_does_not_fit_is_named() -> None:
    net, entries = Net(), layer("a", "b")
    state = exported(net, entries)
    with pytest.raises(InputError, match=r"file has no tensor b\.bias"):
        fill(net, entries, {"b.weight": state["b.weight"]}, "file")
    with pytest.raises(InputError, match="file has a tensor c that"):
        fill(net, entries, state | {"c": torch.zeros(1)}, "file")
    fill(net, entries, state | {"c": torch.zeros(1)}, "file", ignored=["c"])
    with pytest.raises(InputError, match=r"b\.weight has shape \(2, 6\), wanted \(6, 2\)"):
        fill(net, entries, state | {"b.weight": torch.zeros(2, 6)}, "file")
    assert Entry("x", ("y",)).write(net.a.bias)[0] is net.a.bias


def test_groups_that_differ_are_named() -> None:
    net = nn.Sequential(nn.GroupNorm(2, 4), nn.GroupNorm(4, 4))
    with pytest.raises(InputError, match=r"groups of normalisation \[2, 4\]"):
        same_groups(net)
    with pytest.raises(InputError, match="all of 32"):
        same_groups(net[0], 32)
    assert same_groups(net[0]) == 2
