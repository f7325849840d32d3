"""Blocks begin as the identity and equal what the paper writes; attention is the explicit softmax."""

import pytest
import torch
from torch.nn.functional import avg_pool2d, group_norm, interpolate, silu

from likeness.errors import InputError
from likeness.nn.adm_blocks import Attention, Resampling, ResBlock, resampled
from likeness.nn.adm_blocks import group_norm as normalisation


def stirred(net: torch.nn.Module) -> torch.nn.Module:
    for p in net.parameters():
        torch.nn.init.normal_(p, std=0.3)
    return net.double()


def test_a_block_begins_as_the_identity() -> None:
    x, e = torch.randn(2, 8, 4, 4), torch.randn(2, 6)
    assert torch.equal(ResBlock(8, 8, 6)(x, e), x)
    assert torch.equal(Attention(8)(x), x)
    torch.testing.assert_close(ResBlock(8, 8, 6, rescale=True)(x, e), x / 2**0.5)
    torch.testing.assert_close(ResBlock(8, 8, 6, way="up")(x, e), interpolate(x, scale_factor=2))
    torch.testing.assert_close(ResBlock(8, 8, 6, way="down")(x, e), avg_pool2d(x, 2))


@pytest.mark.parametrize("adaptive", [True, False])
@pytest.mark.parametrize("way", ["up", "down", None])
def test_a_block_is_what_the_paper_writes(adaptive: bool, way: str | None) -> None:
    block = stirred(ResBlock(8, 12, 6, adaptive=adaptive, way=way))
    x, e = torch.randn(2, 8, 4, 4).double(), torch.randn(2, 6).double()
    (n0, n1), (c0, c1) = block.norms, block.convolutions
    h = c0(resampled(silu(group_norm(x, n0.num_groups, n0.weight, n0.bias)), way))
    if adaptive:
        s, b = block.embedded.linear(silu(e))[:, :, None, None].chunk(2, 1)
        h = (1 + s) * n1(h) + b
    else:
        h = n1(h + block.embedded(silu(e))[:, :, None, None])
    torch.testing.assert_close(block(x, e), block.skip(resampled(x, way)) + c1(silu(h)))


def test_attention_is_the_explicit_softmax() -> None:
    net, x = stirred(Attention(8, heads=2)), torch.randn(3, 8, 2, 3).double()
    q, k, v = net.qkv(net.norm(x)).flatten(2).chunk(3, 1)
    heads = []
    for i in (slice(0, 4), slice(4, 8)):
        weight = torch.einsum("nct,ncs->nts", q[:, i] * 4**-0.25, k[:, i] * 4**-0.25).softmax(2)
        heads.append(torch.einsum("nts,ncs->nct", weight, v[:, i]))
    torch.testing.assert_close(net(x), x + net.out(torch.cat(heads, 1).view(x.shape)))


def test_heads_have_their_channels() -> None:
    assert Attention(128, head_channels=64).heads == 2
    assert Attention(32, head_channels=64).heads == 1
    with pytest.raises(InputError, match="96 channels for heads of 64"):
        Attention(96, head_channels=64)
    with pytest.raises(InputError, match="8 channels for 3 heads"):
        Attention(8, heads=3)


@pytest.mark.parametrize(("channels", "groups"), [(3, 1), (8, 2), (32, 8), (48, 12), (52, 13), (128, 32), (192, 32)])
def test_groups_of_four_channels_or_more(channels: int, groups: int) -> None:
    assert normalisation(channels).num_groups == groups


def test_groups_that_were_asked_for() -> None:
    assert normalisation(64, 32).num_groups == 32
    with pytest.raises(InputError, match="48 channels for 32 groups"):
        normalisation(48, 32)


def test_a_change_of_side_by_convolution() -> None:
    x, e = torch.randn(2, 4, 6, 6), torch.randn(2, 1)
    down, up = Resampling(4, "down"), Resampling(4, "up")
    assert down(x, e).shape == (2, 4, 3, 3)
    torch.testing.assert_close(up(x, e), up.convolution(interpolate(x, scale_factor=2)))
    early = torch.nn.functional.conv2d(x, down.convolution.weight, down.convolution.bias, stride=2)
    down.late = True
    torch.testing.assert_close(down(x, e)[..., :2, :2], early)  # its windows begin at the first pixel
    assert down(x, e).shape == (2, 4, 3, 3)
