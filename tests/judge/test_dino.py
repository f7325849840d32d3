import sys
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from likeness.errors import InputError
from likeness.judge.dino import class_token, dinov2, prepare
from likeness.judge.features import features_of


class Transformer(nn.Module):
    """Answers as a vision transformer does: the mean colour, then other tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(3, 5)

    def forward(self, pixel_values: Tensor) -> SimpleNamespace:
        first = self.mix(pixel_values.mean((2, 3)))
        return SimpleNamespace(last_hidden_state=torch.stack((first, torch.zeros_like(first)), 1))


def test_the_first_token_is_the_feature():
    network = Transformer()
    space = class_token(network)
    x = torch.rand(3, 1, 8, 8) * 2 - 1
    with torch.no_grad():
        assert torch.allclose(features_of(space, x), network.mix(prepare(x).mean((2, 3))), atol=1e-6)
    assert space.weights != class_token(Transformer()).weights


def test_images_are_scaled_by_the_statistics_of_imagenet():
    x = torch.full((1, 3, 4, 4), 2 * 0.485 - 1)
    assert torch.allclose(prepare(x)[:, 0], torch.zeros(1, 224, 224), atol=1e-5)


def test_weights_come_from_transformers(monkeypatch):
    def from_pretrained(source: str, *, use_safetensors: bool) -> Transformer:
        assert use_safetensors
        if source == "nobody/nothing":
            raise OSError("no such model\nmany lines of advice")
        return Transformer()

    model = SimpleNamespace(from_pretrained=from_pretrained)
    monkeypatch.setitem(sys.modules, "transformers", SimpleNamespace(AutoModel=model))
    assert dinov2("some/model").name == "dinov2"
    with pytest.raises(InputError, match=r"nobody/nothing \(no such model\)"):
        dinov2("nobody/nothing")


def test_without_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(InputError, match="pip install"):
        dinov2()
