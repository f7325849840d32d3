"""VGG: the published counts, row by row, and the names and sizes of its layers."""

import pytest
import torch
from torch import nn

from likeness.errors import InputError
from likeness.nn.heads import linear_head
from likeness.nn.vgg import VGG, vgg16, vgg19

ROWS = [1_792, 36_928, 73_856, 147_584, 295_168, 590_080, 590_080, 1_180_160, 2_359_808, 2_359_808, *3 * [2_359_808]]
WIDE = [102_764_544, 16_781_312, 4_097_000]


def counted(net: nn.Module) -> list[int]:
    return [sum(p.numel() for p in m.parameters()) for m in net.modules() if isinstance(m, nn.Conv2d | nn.Linear)]


def test_vgg16_row_by_row() -> None:
    with torch.device("meta"):
        f = vgg16()
        found = counted(nn.Sequential(f, linear_head(f.d, 1000)))
        assert f.features(torch.empty(1, 3, 224, 224)).shape == (1, 512, 7, 7)
        assert f(torch.empty(2, 3, 224, 224)).shape == (2, 4096)
    assert found == ROWS + WIDE
    assert sum(found) == 138_357_544
    assert sum(WIDE) == 123_642_856


def test_vgg19_has_three_convolutions_more() -> None:
    with torch.device("meta"):
        f = vgg19()
        found = counted(nn.Sequential(f, linear_head(f.d, 1000)))
    assert sum(found) == 143_667_240
    assert len(found) == 19
    assert sum(found) - sum(ROWS + WIDE) == 590_080 + 2 * 2_359_808


def test_tensors_are_named_as_torchvision_names_them() -> None:
    with torch.device("meta"):
        names = [name for name in vgg16().state_dict() if name.endswith("weight")]
    convolutions = [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28]
    assert names == [f"features.{i}.weight" for i in convolutions] + ["classifier.0.weight", "classifier.3.weight"]


def test_two_small_convolutions_see_as_much_as_a_large_one() -> None:
    for blocks, sees in (((1,), 3), ((2,), 5), ((3,), 7)):
        with torch.device("meta"):
            layers = [m for m in VGG(1, blocks).features if isinstance(m, nn.Conv2d)]
        h = x = torch.randn(1, 1, 15, 15, requires_grad=True)
        for layer in layers:
            ones = nn.Conv2d(1, 1, layer.kernel_size, padding=layer.padding, bias=False)  # type: ignore[arg-type]
            nn.init.ones_(ones.weight)
            h = ones(h)
        h[0, 0, 7, 7].backward()
        assert x.grad is not None
        assert int((x.grad != 0).sum()) == sees**2


def test_images_that_cannot_be_halved_are_refused() -> None:
    with pytest.raises(InputError, match="31×64: 32 pixels or more"), torch.device("meta"):
        vgg16()(torch.zeros(1, 3, 31, 64))
