"""AlexNet and its small kin: counts by arithmetic, sizes of maps, the response that neighbours share."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from likeness.errors import InputError
from likeness.nn.alexnet import AlexNet, SmallAlexNet
from likeness.nn.heads import linear_head, projection


def count(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


@pytest.mark.parametrize(("groups", "expected"), [(1, 62_378_344), (2, 60_965_224)])
def test_parameters_of_alexnet_are_the_published_ones(groups: int, expected: int) -> None:
    with torch.device("meta"):
        f = AlexNet(groups=groups)
        whole = nn.Sequential(f, linear_head(f.d, 1000))
        assert count(f.fc6) == 37_752_832
        assert count(f.fc7) == 16_781_312
        sizes = []
        h = torch.empty(1, 3, 227, 227)
        for layer in f.convolutions:
            h = layer(h)
            sizes += [tuple(h.shape[1:])] if isinstance(layer, nn.Conv2d | nn.MaxPool2d) else []
    assert count(whole) == expected
    maps = [(96, 55, 55), (96, 27, 27), (256, 27, 27), (256, 13, 13), (384, 13, 13), (384, 13, 13), (256, 13, 13)]
    assert sizes == [*maps, (256, 6, 6)]


def test_the_response_is_the_papers() -> None:
    layer = next(part for part in AlexNet(dropout=0).convolutions if isinstance(part, nn.LocalResponseNorm))
    a = torch.randn(1, 9, 2, 2)
    squares = torch.stack([a[:, max(0, i - 2) : i + 3].square().sum(1) for i in range(9)], 1)
    torch.testing.assert_close(layer(a), a / (2 + 1e-4 * squares) ** 0.75, rtol=1e-6, atol=0)


def test_parameters_of_the_small_one_by_arithmetic() -> None:
    with torch.device("meta"):
        f, sizes = SmallAlexNet(3), []
        h = torch.empty(2, 3, 64, 64)
        for layer in f.convolutions:
            h = layer(h)
            sizes += [h.shape[2]] if isinstance(layer, nn.MaxPool2d) else []
        g = projection(f.d, hidden=0, out=128, layers=1)
    assert sizes == [31, 15, 7], "so that fc6 takes the last map as it is"
    channels = (3, 96, 192, 384, 384, 192)
    convolutions = sum(9 * a * b + 2 * b for a, b in pairwise(channels))
    assert count(f) == convolutions + 192 * 7 * 7 * 4096 + 4096 * 4096 + 4 * 4096
    assert count(g) == 4096 * 128 + 128


def test_the_small_one_begins_with_weights_of_one_spread() -> None:
    f = SmallAlexNet(1, d=512)
    for part in f.modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            assert float(part.weight.detach().std()) == pytest.approx(0.02, rel=0.1)


@pytest.mark.parametrize("size", [(64, 64), (32, 40), (15, 15)])
def test_features_are_those_of_fc7(size: tuple[int, int]) -> None:
    f, seen = SmallAlexNet(1, d=32), []
    f.fc7.register_forward_hook(lambda _, __, out: seen.append(out))
    y = f(torch.randn(2, 1, *size))
    assert y is seen[0]
    assert y.shape == (2, f.d)


def test_images_that_are_too_small_are_refused() -> None:
    with pytest.raises(InputError, match=r"14×64.*15×15"):
        SmallAlexNet(1, d=8)(torch.zeros(2, 1, 14, 64))
    with pytest.raises(InputError, match=r"66×99.*67×67"), torch.device("meta"):
        AlexNet(1)(torch.zeros(2, 1, 66, 99))
    with torch.device("meta"):
        assert AlexNet(1)(torch.zeros(2, 1, 67, 67)).shape == (2, 4096)


def test_a_batch_of_one_is_refused_in_training() -> None:
    with pytest.raises(InputError, match="batches of 2 or more"):
        SmallAlexNet(1, d=8)(torch.zeros(1, 1, 32, 32))
