"""Files hold tensors or are refused; prefixes and layers of another task; images of other conventions."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from likeness.errors import InputError
from likeness.nn.foreign import IMAGENET, Foreign, fill, published, tensors
from likeness.nn.small_cnn import SmallCNN


def test_files_of_tensors_are_read_and_nothing_else(tmp_path: Path) -> None:
    state = {"a": torch.randn(2, 3)}
    save_file(state, tmp_path / "a.safetensors")
    torch.save(state, tmp_path / "a.pt")
    torch.save({"epoch": 200, "arch": "resnet50", "state_dict": state}, tmp_path / "run.pth.tar")
    torch.save(nn.Linear(1, 1), tmp_path / "module.pt")
    (tmp_path / "rubbish.pkl").write_bytes(b"\x80\x02cos\nsystem\n.")
    (tmp_path / "cut.safetensors").write_bytes((tmp_path / "a.safetensors").read_bytes()[:20])
    for name in ("a.safetensors", "a.pt", "run.pth.tar"):
        assert torch.equal(tensors(tmp_path / name)["a"], state["a"])
    for name in ("module.pt", "rubbish.pkl"):
        with pytest.raises(InputError, match="can run code when opened: where you trust it"):
            tensors(tmp_path / name)
    with pytest.raises(InputError, match="not a whole safetensors"):
        tensors(tmp_path / "cut.safetensors")
    with pytest.raises(InputError, match="no weights at"):
        tensors(tmp_path / "none.pt")


def net() -> SmallCNN:
    return SmallCNN(3, width=2, d=4)


@pytest.mark.parametrize("prefix", ["", "module.", "module.encoder_q."])
def test_the_prefix_is_found_and_the_other_task_left_out(prefix: str, tmp_path: Path) -> None:
    theirs, ours = net().eval(), net().eval()
    theirs.body[1].running_mean += 1
    state = {prefix + name: value.contiguous() for name, value in theirs.state_dict().items()}
    state |= {f"{prefix}fc.weight": torch.zeros(9, 4), f"{prefix}fc.bias": torch.zeros(9), "queue": torch.zeros(4, 8)}
    save_file(state if prefix else {k: v for k, v in state.items() if k != "queue"}, tmp_path / "w.safetensors")
    x = 2 * torch.rand(3, 3, 8, 8) - 1
    mean, std = (torch.tensor(v)[:, None, None] for v in IMAGENET)
    expected = theirs(((x + 1) / 2 - mean) / std)
    torch.testing.assert_close(published(ours, tmp_path / "w.safetensors").eval()(x), expected)


def test_counts_of_batches_may_be_missing() -> None:
    theirs, ours = net(), net()
    fill(ours, {k: v for k, v in theirs.state_dict().items() if not k.endswith("num_batches_tracked")}, "file")
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True))


def test_what_does_not_fit_is_named_and_nothing_is_changed() -> None:
    state, ours = net().state_dict(), net()
    before = {name: value.clone() for name, value in ours.state_dict().items()}
    cases = {
        r"file has no tensor body\.3\.weight|file has no tensor body\.4\.": {
            k: v for k, v in state.items() if "body.4." not in k
        },
        r"file has a tensor extra\.weight that this": state | {"extra.weight": torch.zeros(1)},
        r"body\.0\.weight has shape \(2, 1, 3, 3\), wanted \(2, 3, 3, 3\)": state
        | {"body.0.weight": torch.zeros(2, 1, 3, 3)},
        r"holds this network 2 times: give the prefix 'k\. or q\.'": {p + k: v for p in "qk" for k, v in _dot(state)},
    }
    for words, given in cases.items():
        with pytest.raises(InputError, match=words):
            fill(ours, given, "file")
    assert all(torch.equal(before[k], v) for k, v in ours.state_dict().items())
    fill(ours, cases.popitem()[1], "file", prefix="q.")
    assert torch.equal(ours.body[0].weight, state["body.0.weight"])


def _dot(state: dict[str, torch.Tensor]) -> list[tuple[str, torch.Tensor]]:
    return [(f".{name}", value) for name, value in state.items()]


def test_grey_images_are_shown_in_three_channels() -> None:
    f, x = Foreign(net().eval(), 4), 2 * torch.rand(2, 1, 8, 8) - 1
    assert f.d == 4
    torch.testing.assert_close(f(x), f(x.expand(-1, 3, -1, -1)))
    with pytest.raises(InputError, match="2 channels"):
        f(torch.zeros(1, 2, 8, 8))
