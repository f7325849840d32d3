"""Models of timm as encoders: what they are told, their files, their batch normalisation; and timm where it is."""

import copy
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from likeness import ranks
from likeness.errors import InputError
from likeness.lockstep import lockstep
from likeness.nn.blocks import BatchNorm2d
from likeness.nn.timm_border import timm_encoder, with_our_norms


class NormAct(nn.BatchNorm2d):
    """As timm has it: one layer that normalises, drops out and rectifies."""

    def __init__(self, d: int) -> None:
        super().__init__(d, eps=1e-3, momentum=0.2)
        self.drop, self.act = nn.Identity(), nn.SiLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.drop(super().forward(x)))


class Model(nn.Module):
    """A stand-in with what the border asks of a model of timm."""

    def __init__(self, num_classes: int = 7) -> None:
        super().__init__()
        self.pretrained_cfg = {"mean": (0.5, 0.4, 0.3), "std": (0.2, 0.3, 0.4), "classifier": "head.fc"}
        self.num_features = 6
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), NormAct(4), nn.Conv2d(4, 6, 3), nn.BatchNorm2d(6))
        self.head = nn.Module()
        self.head.fc = nn.Linear(6, num_classes) if num_classes else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.head.fc(self.stem(x).mean((2, 3)))


@pytest.fixture
def timm(monkeypatch: pytest.MonkeyPatch) -> None:
    def create_model(name: str, *, pretrained: bool, num_classes: int) -> Model:
        assert not pretrained, "nothing is downloaded"
        return Model(num_classes)

    models = ["stand_in", "other"]
    there = SimpleNamespace(create_model=create_model, is_model=models.__contains__, list_models=lambda: models)
    monkeypatch.setitem(sys.modules, "timm", there)


def moved(model: nn.Module) -> nn.Module:
    for part in model.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.uniform_(part.running_mean, -0.5, 0.5)
            nn.init.uniform_(part.weight, 0.5, 1.5)
    return model.eval()


@pytest.mark.usefixtures("timm")
def test_it_is_the_model_without_its_classifier_on_images_of_ours(tmp_path: Path) -> None:
    theirs: Any = moved(Model())
    save_file(theirs.state_dict(), tmp_path / "model.safetensors")
    f = timm_encoder("stand_in", weights=tmp_path / "model.safetensors").eval()
    theirs.head.fc = nn.Identity()
    x = 2 * torch.rand(3, 3, 9, 9) - 1
    shown = ((x + 1) / 2 - torch.tensor([0.5, 0.4, 0.3])[:, None, None]) / torch.tensor([0.2, 0.3, 0.4])[:, None, None]
    torch.testing.assert_close(f(x), theirs(shown))
    assert f(x).shape == (3, f.d) == (3, 6)
    assert f(x[:, :1]).shape == (3, 6)


@pytest.mark.usefixtures("timm")
def test_what_cannot_be_had_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no model 'stand_inn': did you mean stand_in"):
        timm_encoder("stand_inn")
    save_file({"stem.0.weight": torch.zeros(4, 3, 3, 3)}, tmp_path / "w.safetensors")
    with pytest.raises(InputError, match="another architecture"):
        timm_encoder("stand_in", weights=tmp_path / "w.safetensors")


def test_without_timm_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(InputError, match=r"timm cannot be imported.*pip install 'likeness\[encoders\]'"):
        timm_encoder("resnet18")


@pytest.mark.parametrize("make", [lambda: NormAct(4), lambda: nn.BatchNorm2d(4), lambda: nn.BatchNorm1d(4)])
def test_batch_normalisation_stays_what_it_was_and_sees_the_whole_batch(make: Callable[[], nn.Module]) -> None:
    theirs = nn.Sequential(make())
    x = torch.randn(5, 4, *(() if isinstance(theirs[0], nn.BatchNorm1d) else (3, 3)))
    theirs(3 * x + 1)
    ours = with_our_norms(copy.deepcopy(theirs))
    torch.testing.assert_close(ours.eval()(x), theirs.eval()(x))
    twins = [copy.deepcopy(ours).train(), copy.deepcopy(ours).train()]
    whole = theirs.train()(x)

    def play(rank: int) -> Tensor:
        part = ranks.world().part(5)
        with ranks.holding(part):
            return twins[rank](x[part.start : part.start + part.n])

    torch.testing.assert_close(torch.cat(lockstep(2, play)), whole, atol=1e-5, rtol=1e-5)
    kept = list(theirs.state_dict().values())
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(twins[0].state_dict().values(), kept, strict=True))


def test_batch_normalisation_of_another_kind_is_refused() -> None:
    for other in (nn.BatchNorm3d(2), nn.BatchNorm2d(2, affine=False), nn.SyncBatchNorm(2)):
        with pytest.raises(InputError, match="a batch normalisation of type"):
            with_our_norms(nn.Sequential(other))
    assert isinstance(with_our_norms(nn.Sequential(BatchNorm2d(3)))[0], BatchNorm2d)  # type: ignore[index]


def test_models_of_timm_itself() -> None:
    try:
        import timm
    except (ImportError, RuntimeError):
        pytest.skip("timm, or the torchvision that it imports, is not installed")
    for name, d in (("resnet18", 512), ("mobilenetv3_small_050", 1024), ("test_convnext", 64)):
        f = timm_encoder(name).eval()
        x = 2 * torch.rand(2, 1, 64, 64) - 1
        assert f.d == d
        assert f(x).shape == (2, d)
        told = timm.create_model(name).pretrained_cfg
        shown = ((x + 1) / 2 - torch.tensor(told["mean"])[:, None, None]) / torch.tensor(told["std"])[:, None, None]
        torch.testing.assert_close(f(x), f.encoder(shown))
