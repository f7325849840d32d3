"""Files hold tensors or are refused; what one way permutes the other permutes back; what does not fit is named."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from likeness.diffusion.border import Entry, exported, fill, layer, permuted, same_groups, tensors
from likeness.errors import InputError


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(2, 6)


def turned(x: torch.Tensor) -> torch.Tensor:
    return x.unflatten(0, (2, 3)).transpose(0, 1).flatten(0, 1)


def test_files_of_tensors_are_read_and_nothing_else(tmp_path: Path) -> None:
    state = {"a": torch.randn(2, 3)}
    save_file(state, tmp_path / "a.safetensors")
    torch.save(state, tmp_path / "a.pt")
    torch.save(nn.Linear(1, 1), tmp_path / "module.pt")
    (tmp_path / "rubbish.pkl").write_bytes(b"\x80\x02cos\nsystem\n.")
    (tmp_path / "cut.safetensors").write_bytes((tmp_path / "a.safetensors").read_bytes()[:20])
    for name in ("a.safetensors", "a.pt"):
        assert torch.equal(tensors(tmp_path / name)["a"], state["a"])
    for name in ("module.pt", "rubbish.pkl"):
        with pytest.raises(InputError, match="can run code when opened: where you trust it"):
            tensors(tmp_path / name)
    with pytest.raises(InputError, match="not a whole safetensors"):
        tensors(tmp_path / "cut.safetensors")
    with pytest.raises(InputError, match="no weights at"):
        tensors(tmp_path / "none.pt")


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
