"""The network begins at zero, has the shapes of any plan, and forgets what it computed without another result."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from likeness.errors import InputError
from likeness.nn.adm_blocks import Attention
from likeness.nn.adm_unet import Plan, UNet
from likeness.ranks import Part, holding

PLAN = Plan(width=8, multipliers=(1, 2), blocks=1, attention=(4,))


def stirred(net: UNet) -> UNet:
    torch.manual_seed(1)
    for p in net.parameters():
        torch.nn.init.normal_(p, std=0.1)
    return net


PLANS = st.tuples(
    st.lists(st.sampled_from([0.5, 1, 2, 3]), min_size=1, max_size=3),
    st.integers(1, 2),
    st.sets(st.sampled_from([2, 4, 8])),
    st.booleans(),
    st.booleans(),
).map(lambda row: Plan(8, *row[:3], adaptive=row[3], resblock_updown=row[4]))


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 3), st.integers(1, 2), st.integers(0, 3), PLANS)
def test_shapes_of_any_plan_and_a_start_at_zero(channels: int, outputs: int, classes: int, plan: Plan) -> None:
    F = UNet((channels, 8, 8), outputs=outputs, classes=classes, extra=classes, plan=plan)
    y = torch.tensor([0, classes - 1]) if classes else None
    out = F(torch.randn(2, channels + classes, 8, 8), torch.tensor([0.0, 999.0]), y)
    assert out.shape == (2, outputs * channels, 8, 8)
    assert not out.any()


def test_attention_is_where_it_was_asked_for() -> None:
    F = UNet((1, 16, 16), width=8, multipliers=(1, 1, 1), blocks=2, attention=(8,))
    there = [name.split(".")[0] for name, part in F.named_modules() if isinstance(part, Attention)]
    assert there == ["down"] * 2 + ["middle"] + ["up"] * 3


def test_time_class_and_the_extra_channels_are_seen_and_each_sample_is_its_own() -> None:
    F = stirred(UNet((1, 8, 8), classes=3, extra=1, plan=PLAN))
    x, t, y = torch.randn(2, 2, 8, 8), torch.tensor([3.0, 800.0]), torch.tensor([0, 2])
    once = F(x, t, y)
    for other in (F(x, t + 100, y), F(x, t, 2 - y), F(torch.cat((x[:, :1], -x[:, 1:]), 1), t, y)):
        assert (once - other).abs().amax((1, 2, 3)).min() > 1e-3
    torch.testing.assert_close(F(x[1:], t[1:], y[1:]), once[1:], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("updown", [True, False])
def test_on_a_torus_a_translation_by_the_stride_is_one_of_the_result(updown: bool) -> None:
    F = stirred(UNet((1, 8, 8), plan=PLAN._replace(resblock_updown=updown)))
    for part in F.modules():
        if isinstance(part, torch.nn.Conv2d) and part.kernel_size == (3, 3):
            part.padding_mode = "circular"
    x, t = torch.randn(2, 1, 8, 8), torch.tensor([5.0, 50.0])
    torch.testing.assert_close(F(x.roll(2, 3), t).roll(-2, 3), F(x, t), atol=1e-4, rtol=1e-4)
    assert not torch.allclose(F(x.roll(1, 3), t).roll(-1, 3), F(x, t), atol=1e-3)


def test_forgetting_changes_neither_result_nor_gradient() -> None:
    x, t = torch.randn(3, 1, 8, 8), torch.tensor([1.0, 10.0, 500.0])
    gradients = []
    for forgets in (False, True):
        F = stirred(UNet((1, 8, 8), checkpoint=forgets, plan=PLAN._replace(dropout=0.3)))
        torch.manual_seed(2)
        with holding(Part(1, 3, 5)):
            F(x, t).square().mean().backward()
        gradients.append([p.grad for p in F.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*gradients))


def test_what_is_forgotten_is_computed_again_for_the_same_part_in_whatever_thread() -> None:
    """The backward pass of a GPU runs in a thread of its own; here, one is given to it."""
    from threading import Thread

    x, t = torch.randn(2, 1, 8, 8), torch.tensor([1.0, 10.0])
    gradients = []
    for forgets in (False, True):
        F = stirred(UNet((1, 8, 8), checkpoint=forgets, plan=PLAN._replace(dropout=0.3)))
        torch.manual_seed(2)
        with holding(Part(1, 2, 4)):
            loss = F(x, t).square().mean()
        other = Thread(target=loss.backward)
        other.start()
        other.join()
        gradients.append([p.grad for p in F.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*gradients))


def test_bad_input_is_named() -> None:
    with pytest.raises(InputError, match="multiple of 4"):
        UNet((1, 6, 6), width=8, multipliers=(1, 1, 1))
    with pytest.raises(InputError, match="96 channels"):
        UNet((1, 8, 8), width=96, multipliers=(1,))
    with pytest.raises(InputError, match="class 4: there are 4"):
        UNet((1, 8, 8), classes=4, plan=PLAN)(torch.zeros(1, 1, 8, 8), torch.zeros(1), torch.tensor([4]))
