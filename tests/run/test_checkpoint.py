"""A checkpoint comes back as it went, runs no code, and never replaces a good one by a bad one."""

import pickle
from pathlib import Path

import pytest
import torch
from torch import nn

from likeness.errors import DivergedError, InputError
from likeness.run import checkpoint


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    checkpoint.save(tmp_path / "a.safetensors", net.state_dict(), {"iteration": 7})
    state, about = checkpoint.load(tmp_path / "a.safetensors")
    other = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    checkpoint.restore(other, state, tmp_path / "a.safetensors")
    assert about == {"iteration": 7}
    assert all(torch.equal(a, b) for a, b in zip(net.state_dict().values(), other.state_dict().values()))


def test_shared_tensors_are_saved_as_their_values(tmp_path: Path) -> None:
    t = torch.arange(6.0)
    checkpoint.save(tmp_path / "a.safetensors", {"a": t, "b": t[2:4]}, {})
    assert checkpoint.load(tmp_path / "a.safetensors")[0]["b"].tolist() == [2.0, 3.0]


@pytest.mark.parametrize(
    "write", [lambda p: torch.save({"a": torch.ones(1)}, p), lambda p: p.write_bytes(pickle.dumps({}))]
)
def test_a_pickle_is_refused_unopened(tmp_path: Path, write) -> None:
    write(tmp_path / "a.safetensors")
    with pytest.raises(InputError, match="is a pickle, which can run code"):
        checkpoint.load(tmp_path / "a.safetensors")


def test_a_truncated_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    checkpoint.save(path, {"a": torch.ones(1000)}, {})
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match="not a whole safetensors file"):
        checkpoint.load(path)
    with pytest.raises(InputError, match="does not exist"):
        checkpoint.load(tmp_path / "b.safetensors")


def test_nan_does_not_replace_a_good_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    checkpoint.save(path, {"a": torch.ones(1)}, {})
    with pytest.raises(DivergedError, match="a is not finite"):
        checkpoint.save(path, {"a": torch.tensor([torch.nan])}, {})
    assert checkpoint.load(path)[0]["a"].item() == 1


def test_another_shape_and_another_name_are_told(tmp_path: Path) -> None:
    net, path = nn.Linear(2, 3), tmp_path / "a.safetensors"
    before = net.weight.clone()
    with pytest.raises(InputError, match=r"weight has shape \(3, 4\), this network wants \(3, 2\)"):
        checkpoint.restore(net, nn.Linear(4, 3).state_dict(), path)
    with pytest.raises(InputError, match="lacks bias"):
        checkpoint.restore(net, {"weight": torch.ones(3, 2)}, path)
    assert torch.equal(net.weight, before)


def test_a_full_disk_is_told_and_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.safetensors"
    checkpoint.save(path, {"a": torch.ones(1)}, {})

    def full(*_: object, **__: object) -> None:
        raise checkpoint.SafetensorError("I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(InputError, match="no space left"):
        checkpoint.save(path, {"a": torch.zeros(1)}, {})
    assert checkpoint.load(path)[0]["a"].item() == 1
    assert [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]


def test_a_header_as_long_as_a_pickle_begins_is_no_pickle(tmp_path: Path) -> None:
    met = set()
    for extra in range(0, 1400, 8):
        checkpoint.save(tmp_path / "c.safetensors", {"a": torch.ones(2)}, {"x": "y" * extra})
        met.add((tmp_path / "c.safetensors").read_bytes()[:2])
        assert checkpoint.load(tmp_path / "c.safetensors")[1] == {"x": "y" * extra}
    assert met >= {b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"}
