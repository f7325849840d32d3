"""The small encoder: shapes, the number of its parameters, the mean over places, and a batch in parts."""

import pytest
import torch
from torch import nn
from torch.nn.functional import batch_norm, conv2d, max_pool2d, relu

from likeness import ranks
from likeness.errors import InputError
from likeness.lockstep import lockstep
from likeness.nn.small_cnn import SmallCNN


@pytest.mark.parametrize("size", [(4, 4), (8, 8), (9, 14), (28, 28), (32, 32)])
def test_shapes(size: tuple[int, int]) -> None:
    f = SmallCNN(3, width=4, d=6)
    assert f.d == 6
    assert f(torch.randn(2, 3, *size)).shape == (2, 6)


def test_parameters_by_arithmetic() -> None:
    weights = 9 * (1 * 32 + 32 * 64 + 64 * 128)
    assert sum(p.numel() for p in SmallCNN(1).parameters()) == weights + 2 * (32 + 64 + 128)


def test_it_is_the_plain_formula() -> None:
    f, x = SmallCNN(2, width=3, d=5), torch.randn(4, 2, 8, 8)
    h = x
    for i, conv in enumerate(part for part in f.body if isinstance(part, nn.Conv2d)):
        h = relu(batch_norm(conv2d(h, conv.weight, padding=1), None, None, training=True))
        h = max_pool2d(h, 2) if i < 2 else h
    torch.testing.assert_close(f(x), h.sum((2, 3)) / 4)


def test_a_stroke_far_from_the_border_may_move_by_four_pixels() -> None:
    f, x = SmallCNN(1).eval(), torch.full((1, 1, 64, 64), -1.0)
    x[:, :, 28:32, 28:32] = 1
    torch.testing.assert_close(f(x), f(x.roll((4, -8), (2, 3))), atol=1e-6, rtol=1e-5)
    assert not torch.allclose(f(x), f(torch.full_like(x, -1.0)), atol=1e-4)


def test_two_processes_are_one() -> None:
    x, r = torch.randn(7, 1, 8, 8), torch.randn(7, 6)
    nets = [SmallCNN(1, width=4, d=6) for _ in range(3)]
    for net in nets[1:]:
        net.load_state_dict(nets[0].state_dict())
    whole = nets[0](x)
    (whole * r).sum().backward()

    def play(rank: int) -> torch.Tensor:
        part = ranks.world().part(7)
        mine = slice(part.start, part.start + part.n)
        with ranks.holding(part):
            y = nets[1 + rank](x[mine])
            # a sum over samples, as a mean that is weighted by the share of this part
            ((y * r[mine]).sum() * 7 / part.n * part.weight).backward()
        return y

    found = torch.cat(lockstep(2, play))
    torch.testing.assert_close(found, whole, atol=1e-5, rtol=1e-5)
    for p, a, b in zip(*(net.parameters() for net in nets), strict=True):
        torch.testing.assert_close(a.grad + b.grad, p.grad, atol=1e-4, rtol=1e-4)
    for p, a in zip(nets[0].buffers(), nets[1].buffers(), strict=True):
        torch.testing.assert_close(a, p)


def test_one_sample_is_refused_in_training_alone() -> None:
    f, x = SmallCNN(1), torch.randn(1, 1, 8, 8)
    with pytest.raises(InputError, match="batches of 2 or more"):
        f(x)
    assert f.eval()(x).shape == (1, 128)


def test_an_image_too_small_is_refused() -> None:
    with pytest.raises(InputError, match="3×8"):
        SmallCNN(1)(torch.randn(2, 1, 3, 8))
