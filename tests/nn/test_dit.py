"""Blocks begin as the identity, attention is the plain one, patches keep their places, all of it is told apart."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from likeness.errors import InputError
from likeness.nn.dit import Block, DiT, positions


def stirred(net: torch.nn.Module) -> torch.nn.Module:
    """No parameter at zero any more."""
    for p in net.parameters():
        torch.nn.init.normal_(p, std=0.2)
    return net


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 3), st.sampled_from([1, 2, 4]), st.integers(1, 2), st.integers(0, 3))
def test_shapes_and_a_start_at_zero(channels: int, patch: int, outputs: int, classes: int) -> None:
    event = (channels, 8, 8)
    F = DiT(event, outputs=outputs, classes=classes, width=8, layers=1, heads=2, patch=patch, extra=classes)
    y = torch.tensor([0, classes - 1]) if classes else None
    out = F(torch.randn(2, channels + classes, 8, 8), torch.tensor([0.0, 999.0]), y)
    assert out.shape == (2, outputs * channels, 8, 8)
    assert not out.any()


def test_a_block_begins_as_the_identity() -> None:
    h = torch.randn(2, 5, 8)
    assert torch.equal(Block(8, 2)(h, torch.randn(2, 8)), h)


def test_a_block_is_what_the_paper_writes() -> None:
    block = stirred(Block(8, 2))
    h, e = torch.randn(2, 5, 8), torch.randn(2, 8)
    b1, s1, g1, b2, s2, g2 = (part[:, None] for part in block.modulation(torch.nn.functional.silu(e)).chunk(6, 1))
    once = h + g1 * block.attended(block.norm(h) * (1 + s1) + b1)
    twice = once + g2 * block.mlp(block.norm(once) * (1 + s2) + b2)
    torch.testing.assert_close(block(h, e), twice)


def test_the_last_layer_puts_patches_where_they_were() -> None:
    F = stirred(DiT((1, 4, 4), width=8, layers=1, heads=2))
    for p in F.blocks.parameters():  # a place hears of itself alone
        torch.nn.init.zeros_(p)
    x, t = torch.randn(1, 1, 4, 4), torch.zeros(1)
    other = x.clone()
    other[..., 2:, :2] += 1
    b, s = F.modulation(torch.nn.functional.silu(F.embedding(t))).chunk(2, 1)
    last = x[0, :, 2:, 2:].flatten() @ F.entry.weight.flatten(1).T + F.entry.bias + F.position[3]
    wanted = F.out(F.norm(last) * (1 + s) + b).view(2, 2)
    torch.testing.assert_close(F(x, t)[0, 0, 2:, 2:], wanted)
    assert (F(x, t) != F(other, t))[0, 0].nonzero().tolist() == [[2, 0], [2, 1], [3, 0], [3, 1]]


def test_attention_is_the_explicit_softmax() -> None:
    block, h = Block(8, 2).double(), torch.randn(1, 5, 8).double()
    q, k, v = block.qkv(h)[0].chunk(3, 1)
    heads = [(q[:, i] @ k[:, i].T / 2).softmax(1) @ v[:, i] for i in (slice(0, 4), slice(4, 8))]
    torch.testing.assert_close(block.attended(h)[0], block.out(torch.cat(heads, 1)))


def test_time_class_and_place_are_seen() -> None:
    F, x = stirred(DiT((1, 4, 4), classes=3, width=8, layers=1, heads=2)), torch.randn(1, 1, 4, 4)
    t, y = torch.full((1,), 10.0), torch.tensor([1])
    once = F(x, t, y)
    assert not torch.allclose(once, F(x, 20 * t, y))
    assert not torch.allclose(once, F(x, t, y + 1))
    moved = F(x.roll(2, 3), t, y).roll(-2, 3)
    assert not torch.allclose(once, moved)
    F.position.zero_()  # without it, whoever moves patches moves the results
    torch.testing.assert_close(F(x, t, y), F(x.roll(2, 3), t, y).roll(-2, 3))


def test_no_two_places_have_one_name() -> None:
    d = torch.cdist(positions(8, 16), positions(8, 16))
    assert float((d + 10 * torch.eye(64)).min()) > 0.1


def test_bad_input_is_named() -> None:
    with pytest.raises(InputError, match="patch's, 4"):
        DiT((1, 6, 6), patch=4)
    with pytest.raises(InputError, match="width 10 for 4 heads"):
        DiT((1, 4, 4), width=10)
    with pytest.raises(InputError, match="class 3"):
        DiT((1, 4, 4), classes=3, width=8, layers=1)(torch.zeros(1, 1, 4, 4), torch.zeros(1), torch.tensor([3]))
