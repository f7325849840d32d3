"""Residual blocks; what both convolutional families share is held in test_dcgan."""

import torch
from torch import nn
from torch.nn.functional import avg_pool2d, interpolate

from likeness.nn.resnet import DownBlock, ResidualCritic, UpBlock


def test_blocks_without_their_convolutions_are_their_shortcuts() -> None:
    x = torch.randn(2, 3, 8, 8)
    up, down = UpBlock(3, 4), DownBlock(3, 4)
    for block in (up, down):
        nn.init.zeros_(block.convolutions[1].weight)
        nn.init.zeros_(block.convolutions[1].bias)
    torch.testing.assert_close(up(x), interpolate(up.skip(x), scale_factor=2))
    torch.testing.assert_close(down(x), down.skip(avg_pool2d(x, 2)))


def test_only_the_first_block_takes_raw_pixels() -> None:
    """A first ReLU would hide every negative pixel from the convolutions."""
    x = -torch.rand(2, 3, 8, 8)
    for first in (True, False):
        block = DownBlock(3, 4, first=first)
        nn.init.zeros_(block.skip.weight)
        assert torch.allclose(block(x), block(2 * x), atol=1e-6) is not first


def test_features_sum_over_places() -> None:
    D = ResidualCritic((1, 16, 16), width=4)
    x = torch.randn(2, 1, 16, 16)
    torch.testing.assert_close(D.features(x), D.blocks(x).flatten(2).sum(2))
