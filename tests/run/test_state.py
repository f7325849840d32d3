"""States on disk: whole or absent, found damaged by their checksums, and never a danger to the one before."""

import errno
import json
import os
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from likeness.errors import InputError
from likeness.files import tidy
from likeness.run import state

KINDS = (torch.float32, torch.float64, torch.bfloat16, torch.int64, torch.uint8, torch.bool)


def tensors(seed: int = 0) -> dict[str, Tensor]:
    torch.manual_seed(seed)
    return {"w": torch.randn(3, 4), "n": torch.tensor(seed), "none": torch.zeros(0, 2)}


def write(folder: Path, *iterations: int, keep: int = 2) -> None:
    for i in iterations:
        state.save(folder, i, tensors(i), {"note": i}, keep)


@settings(max_examples=20, deadline=None)
@given(shape=st.lists(st.integers(0, 4), max_size=3), kind=st.sampled_from(KINDS))
def test_every_kind_of_tensor_comes_back(tmp_path_factory: pytest.TempPathFactory, shape: list[int], kind) -> None:
    folder = tmp_path_factory.mktemp("run")
    x = torch.randint(0, 2, shape).to(kind)
    state.save(folder, 1, {"x": x}, {})
    found, _ = state.newest(folder)
    assert found is not None
    assert state.shapes(found) == {"x": (x.shape, kind)}
    other = torch.empty_like(x)
    state.load(found, {"x": other})
    assert torch.equal(x, other)


def test_the_order_in_memory_does_not_matter(tmp_path: Path) -> None:
    x = torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last)
    state.save(tmp_path, 1, {"x": x, "part": x[:, 1]}, {})
    found, _ = state.newest(tmp_path)
    other = nn.Conv2d(3, 2, 4).to(memory_format=torch.channels_last).weight.detach()
    assert found is not None
    state.load(found, {"x": other})
    assert torch.equal(x, other)


def test_the_last_ones_are_kept(tmp_path: Path) -> None:
    write(tmp_path, 5, 10, 15, 1000, keep=2)
    assert [p.name for p in sorted((tmp_path / "state").iterdir())] == ["step-000000015", "step-000001000"]
    found, notes = state.newest(tmp_path)
    assert found is not None
    assert (found.iteration, found.facts["note"], notes) == (1000, 1000, [])


@pytest.mark.parametrize("damage", ["cut", "changed", "missing", "json", "newer"])
def test_a_damaged_one_is_passed_over_and_left_alone(tmp_path: Path, damage: str) -> None:
    write(tmp_path, 1, 2)
    folder = state.place(tmp_path, 2)
    file = next(folder.glob("*.safetensors"))
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:-7])
    elif damage == "changed":
        whole = file.read_bytes()
        file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    elif damage == "missing":
        file.unlink()
    elif damage == "json":
        (folder / "state.json").write_text("{")
    else:
        facts = json.loads((folder / "state.json").read_text())
        (folder / "state.json").write_text(json.dumps(facts | {"format": 99}))
    before = {p: p.read_bytes() for p in folder.iterdir()}
    found, notes = state.newest(tmp_path)
    assert found is not None
    assert found.iteration == 1
    assert [n.code for n in notes] == ["state-damaged"]
    assert "step-000000002" in notes[0].saw
    assert before == {p: p.read_bytes() for p in folder.iterdir()}


def test_the_same_step_is_written_anew(tmp_path: Path) -> None:
    write(tmp_path, 3)
    state.save(tmp_path, 3, tensors(7), {"note": 7})
    found, _ = state.newest(tmp_path)
    assert found is not None
    assert found.facts["note"] == 7


def test_a_full_disk_leaves_the_state_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, 1)

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="no space left to write"):
        write(tmp_path, 2)
    monkeypatch.undo()
    found, notes = state.newest(tmp_path)
    assert found is not None
    assert (found.iteration, notes) == (1, [])
    assert [p.name for p in (tmp_path / "state").iterdir()] == ["step-000000001"]


def test_what_does_not_fit_is_named(tmp_path: Path) -> None:
    write(tmp_path, 1)
    found, _ = state.newest(tmp_path)
    assert found is not None
    with pytest.raises(InputError, match="has no other"):
        state.load(found, {"other": torch.zeros(1)})
    with pytest.raises(InputError, match=r"w has shape \(3, 4\), here it is \(4, 3\)"):
        state.load(found, {"w": torch.zeros(4, 3)})


def test_nothing_in_it_is_a_pickle(tmp_path: Path) -> None:
    write(tmp_path, 1)
    names = {p.suffix for p in state.place(tmp_path, 1).iterdir()}
    assert names == {".safetensors", ".json"}


def test_what_a_killed_process_left_is_tidied(tmp_path: Path) -> None:
    write(tmp_path, 1)
    (tmp_path / "state" / ".step-000000002.123").mkdir()
    (tmp_path / ".config.json.55").write_text("{")
    (tmp_path / ".lock").write_text("kept")
    tidy(tmp_path)
    assert [p.name for p in (tmp_path / "state").iterdir()] == ["step-000000001"]
    assert [p.name for p in tmp_path.glob(".*")] == [".lock"]
