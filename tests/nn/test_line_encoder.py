"""Frames of lines: how many, in order, what each sees, padding that nothing sees, and context both ways."""

import pytest
import torch
from torch.nn.functional import max_pool2d, relu

from likeness.errors import InputError
from likeness.nn.line_encoder import LineEncoder


def small(**given: object) -> LineEncoder:
    return LineEncoder(1, **{"height": 16, "width": 4, "d": 6, **given}).eval()  # type: ignore[arg-type]


@pytest.mark.parametrize("height", [8, 16, 32, 64])
@pytest.mark.parametrize("w", [4, 30, 64, 101])
def test_a_frame_for_every_four_columns(height: int, w: int) -> None:
    f = small(height=height)
    y = f(torch.randn(2, 1, height, w))
    assert y.shape == (2, f.frames(w), f.d) == (2, w // 4, 6)


def test_what_comes_out_is_of_the_size_that_is_said() -> None:
    x = torch.randn(2, 1, 16, 20)
    for given, d in (({}, 6), ({"context": 2}, 6), ({"context": 1, "both": True}, 12)):
        f = small(**given)
        assert f.d == d
        assert f(x).shape == (2, 5, d)


def test_parameters_of_the_wide_form_by_arithmetic() -> None:
    f = LineEncoder(1, width=64, d=512, depth=2)
    weights = 9 * (1 * 64 + 64 * 128 + 128 * 256 + 256 * 256 + 256 * 512 + 512 * 512)
    assert sum(p.numel() for p in f.parameters()) == weights + 2 * (64 + 128 + 4 * 384) + 2 * 512 * 512 + 512
    assert f(torch.zeros(2, 1, 32, 100)).shape == (2, 25, 512)


def test_it_is_the_plain_formula() -> None:
    f, x = small(), torch.randn(2, 1, 16, 24)
    h = x
    for stage, pool in zip(f.stages, ((2, 2), (2, 2), (2, 1)), strict=True):
        h = max_pool2d(relu(stage[1](stage[0](h))), pool)
    assert h.shape[2:] == (2, 6)
    frames = [f.last.weight[:, :, 0, 0] @ h[k, :, 0, t] + f.last.weight[:, :, 1, 0] @ h[k, :, 1, t] + f.last.bias
              for k in range(2) for t in range(6)]  # fmt: skip
    torch.testing.assert_close(f(x), torch.stack(frames).view(2, 6, 6))


def test_a_shift_of_the_image_is_one_of_the_frames() -> None:
    f, x = small(height=32), torch.randn(1, 1, 32, 160)
    y, moved = f(x), f(x.roll(8, 3))
    torch.testing.assert_close(moved[:, 10:-8], y[:, 8:-10], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("height", [16, 32])
def test_a_frame_sees_what_is_near_and_nothing_else(height: int) -> None:
    f = small(height=height)
    x = torch.randn(1, 1, height, 160, requires_grad=True)
    f(x)[0, 20].sum().backward()
    assert x.grad is not None
    seen = x.grad[0, 0].abs().sum(0).nonzero()[:, 0]
    reach = 1 + 2 + 4 * (len(f.stages) - 2)  # of the convolutions before and after the two halvings
    assert 80 - reach <= int(seen.min()) < 80
    assert 83 < int(seen.max()) <= 83 + reach
    y = f(x)
    with torch.no_grad():
        x[..., : 80 - reach] = 0
        x[..., 84 + reach :] = 0
    torch.testing.assert_close(f(x)[0, 20], y[0, 20])


@pytest.mark.parametrize("context", [{}, {"context": 2}, {"context": 1, "both": True}])
def test_padding_is_not_seen(context: dict[str, int]) -> None:
    f, widths = small(**context), [64, 30, 41, 4]
    lines = [torch.randn(1, 1, 16, w) for w in widths]
    x = 9 * torch.randn(4, 1, 16, 64)  # of what it is padded with, anything
    for row, line in zip(x, lines, strict=True):
        row[..., : line.shape[3]] = line[0]
    y, mask = f(x, torch.tensor(widths)), f.mask(torch.tensor(widths), 64)
    for row, inside, line in zip(y, mask, lines, strict=True):
        torch.testing.assert_close(row[inside], f(line)[0])
        assert float(row[~inside].detach().abs().sum()) == 0
    torch.testing.assert_close(f(x, torch.full((4,), 64)), f(x))


def test_context_tells_a_frame_of_what_comes_before_and_after() -> None:
    x, far = torch.randn(2, 1, 16, 200), torch.randn(2, 1, 16, 10)
    for context in (0, 1):
        f = small(context=context)
        for place in (slice(0, 10), slice(190, 200)):
            other = x.clone()
            other[..., place] = far
            assert torch.equal(f(x)[:, 25], f(other)[:, 25]) == (not context)


def test_gradients_reach_every_parameter() -> None:
    f = small(context=2, both=True, depth=2).train()
    f(torch.randn(3, 1, 16, 24), torch.tensor([24, 12, 17])).square().sum().backward()
    assert all(p.grad is not None and float(p.grad.abs().sum()) > 0 for p in f.parameters())


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: small(height=24), "24 pixels high"),
        (lambda: small(d=5, context=1), "5 numbers from two directions"),
        (lambda: small()(torch.zeros(2, 1, 32, 8)), "1 channels and 32 rows.*height=32"),
        (lambda: small()(torch.zeros(2, 3, 16, 8)), "3 channels"),
        (lambda: small()(torch.zeros(2, 1, 16, 3)), "3 pixels wide has no frame"),
        (lambda: small()(torch.zeros(2, 1, 16, 8), torch.tensor([8, 2])), "2 pixels wide has no frame"),
        (lambda: small()(torch.zeros(2, 1, 16, 8), torch.tensor([8, 9])), "9 pixels wide in an image of 8"),
        (lambda: small().train()(torch.zeros(1, 1, 16, 8)), "batch of 1"),
    ],
)
def test_what_cannot_be_read_is_refused(make: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        make()  # type: ignore[operator]
