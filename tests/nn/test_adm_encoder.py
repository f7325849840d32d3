"""The pool is attention written plainly; the encoder sees the image, the level, and where things are."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from likeness.errors import InputError
from likeness.nn.adm_encoder import AttentionPool, Encoder


def test_the_pool_is_the_attention_of_the_mean_token() -> None:
    pool, x = AttentionPool(8, 6, 5, head_channels=4).double(), torch.randn(3, 8, 2, 3).double()
    for n in range(3):
        places = x[n].flatten(1).T
        h = torch.cat((places.mean(0, keepdim=True), places)) + pool.position
        q, k, v = pool.qkv(h).chunk(3, 1)
        heads = []
        for i in (slice(0, 4), slice(4, 8)):
            weight = (q[0, i] @ k[:, i].T / 4**0.5).softmax(0)
            heads.append(weight @ v[:, i])
        torch.testing.assert_close(pool(x)[n], pool.out(torch.cat(heads)))


@settings(max_examples=8, deadline=None)
@given(
    st.sampled_from([(1, 8, 8), (3, 16, 16)]),
    st.integers(1, 2),
    st.sampled_from([(1,), (1, 2), (1, 1, 2)]),
    st.booleans(),
)
def test_shapes_of_any_plan(event: tuple[int, ...], blocks: int, multipliers: tuple[int, ...], updown: bool) -> None:
    F = Encoder(event, 7, width=8, blocks=blocks, multipliers=multipliers, attention=(4,), resblock_updown=updown)
    assert F(torch.randn(2, *event), torch.tensor([0.0, 999.0])).shape == (2, 7)


def test_it_sees_the_level_and_where_things_are() -> None:
    torch.manual_seed(0)
    F, x = Encoder((1, 8, 8), 4, width=8, multipliers=(1, 2), blocks=1, attention=(4,)), torch.randn(2, 1, 8, 8)
    for p in F.parameters():  # some begin at zero
        torch.nn.init.normal_(p, std=0.2)
    once = F(x, torch.full((2,), 100.0))
    assert not torch.allclose(once, F(x, torch.full((2,), 900.0)), atol=1e-3)
    assert not torch.allclose(once, F(x.flip(3), torch.full((2,), 100.0)), atol=1e-3)
    torch.testing.assert_close(once[:1], F(x[:1], torch.full((1,), 100.0)), atol=1e-5, rtol=1e-5)


def test_a_gradient_reaches_the_image_and_every_parameter() -> None:
    F, x = Encoder((1, 8, 8), 4, width=8, multipliers=(1, 2), blocks=1, attention=(4,)), torch.randn(2, 1, 8, 8)
    for p in F.parameters():
        torch.nn.init.normal_(p, std=0.2)
    x.requires_grad_()
    F(x, torch.tensor([3.0, 800.0])).square().sum().backward()
    assert x.grad is not None
    assert float(x.grad.abs().min(0).values.max()) > 0
    assert all(p.grad is not None and p.grad.isfinite().all() for p in F.parameters())


def test_bad_input_is_named() -> None:
    with pytest.raises(InputError, match="multiple of 4"):
        Encoder((1, 6, 6), 2, width=8, multipliers=(1, 1, 1))
    with pytest.raises(InputError, match="no multiple"):
        AttentionPool(10, 4, 2, head_channels=3)
