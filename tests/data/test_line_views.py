"""What is read from left to right stays so: ramps keep rising, marks keep their place; what moves them is refused."""

import pytest
import torch
from torch.nn.functional import avg_pool2d

from likeness.data.line_views import Lines, crop_lines, fade, lines, seqclr, sharpen
from likeness.data.view_colours import blur, noise
from likeness.data.view_geometry import affine, crop, cut, flip
from likeness.data.view_parts import Part, Source, View
from likeness.errors import InputError
from likeness.ranks import Part as Piece
from likeness.ranks import holding

X = torch.rand(7, 1, 16, 64) * 2 - 1


def ramp(n: int) -> torch.Tensor:
    return torch.linspace(-0.5, 0.5, 100).expand(n, 1, 32, 100).contiguous()


def test_a_ramp_keeps_rising_along_the_width() -> None:
    """All that is done to places and to shades keeps their order; sharpening has its own test."""
    view = lines(*seqclr()[:-1])
    y = view(ramp(400), generator=1)
    assert float(y.diff(dim=3).min()) > -1e-5
    assert float((y[..., -1] - y[..., 0]).min()) > 0.2


def test_a_mark_keeps_its_place_along_the_width() -> None:
    """Of marks at every tenth of the width, none moves by more than a twentieth, under any part or all of them."""
    n = 200
    for parts in (*[(p,) for p in seqclr()], seqclr()):
        for column in (5, 35, 65, 95):
            x = torch.full((n, 1, 32, 100), -1.0)
            x[..., column - 1 : column + 2] = 1.0
            light = (lines(*parts)(x, generator=2) + 1).sum((1, 2)).double()
            light = (light - light.median(1, keepdim=True).values).clamp(min=0)
            place = (light * torch.arange(100)).sum(1) / light.sum(1)
            assert float((place - column).abs().max()) < 5, parts


def test_one_to_all_of_the_parts_are_done_each_number_as_likely() -> None:
    """Each part marks the image in its own way, so that how many were done can be read off."""
    halves = [fade(0.5, 0.5)] * 3
    n = 6000
    done = -lines(*halves)(torch.ones(n, 1, 2, 2))[:, 0, 0, 0].log2()
    for k in (1, 2, 3):
        assert abs(float((done == k).float().mean()) - 1 / 3) < 5 * (2 / 9 / n) ** 0.5


def test_every_part_is_hit_as_often() -> None:
    n = 6000
    x = torch.linspace(-1, 1, 16)[:, None].repeat(n, 1, 1, 8)
    x[..., :4] = 1.0
    y = lines(crop_lines(0.4), fade(0.5, 0.5))(x)
    faded = y[:, 0, 8, 0] < 0.51
    slope = (y[:, 0, 9, 6] - y[:, 0, 7, 6]) / torch.where(faded, 0.5, 1.0) / (2 / 15 * 2)
    cropped = slope < 0.999
    for hit in (faded, cropped):
        assert abs(float(hit.float().mean()) - 0.75) < 5 * (3 / 16 / n) ** 0.5


def test_vertical_crops_show_a_part_of_the_height_and_all_of_the_width() -> None:
    tall = torch.linspace(-1, 1, 40)[:, None].expand(300, 1, 40, 8).contiguous()
    y = crop_lines(0.4)(tall)[:, 0, :, 0]
    assert float(y[:, 0].max()) < 0  # at most 0.4 off the top
    assert float(y[:, 0].max()) > -0.35
    assert float(y[:, -1].min()) > 0
    wide = ramp(50)
    torch.testing.assert_close(crop_lines(0.4)(wide), wide, atol=1e-5, rtol=0)


def test_sharpening_agrees_with_its_kernel_and_leaves_what_it_should() -> None:
    torch.testing.assert_close(sharpen(0, 0)(X), X, atol=1e-6, rtol=0)
    flat = torch.full((2, 1, 5, 5), 0.2)
    change = sharpen(1, 1)
    share, light = torch.tensor([0.3, 1.0]), torch.tensor([0.5, 0.0])
    y = change.apply(flat, (share, light))
    torch.testing.assert_close(y[0], torch.full((1, 5, 5), 2 * 0.6 * (0.7 + 0.3 * 0.5) - 1))
    torch.testing.assert_close(y[1], -torch.ones(1, 5, 5))  # of a flat image nothing differs
    x, at = X[:1], torch.ones(1)
    inner = (x + 1) / 2
    expected = 9 * inner[..., 1:-1, 1:-1] - 9 * avg_pool2d(inner, 3, 1)
    found = (change.apply(x, (at, 0 * at)) + 1) / 2
    torch.testing.assert_close(found[..., 1:-1, 1:-1], expected.clamp(0, 1), atol=1e-5, rtol=0)
    assert len(change.draw(Source(x), (1, 16, 64))) == 2


def test_views_belong_to_their_samples() -> None:
    view = lines()
    whole = view(X, generator=5)
    assert float(whole.abs().max()) <= 1
    assert whole.shape == X.shape
    torch.testing.assert_close(view(X[:3], generator=5), whole[:3], atol=1e-5, rtol=0)
    torch.manual_seed(1)
    whole = view(X)
    torch.manual_seed(1)
    with holding(Piece(3, 4, 7)):
        torch.testing.assert_close(view(X[3:]), whole[3:], atol=1e-5, rtol=0)
    before = X.clone()
    lines(noise(0.3), blur())(X)
    assert torch.equal(X, before)
    assert isinstance(view, View)
    assert isinstance(view, Lines)


@pytest.mark.parametrize("part", [flip(), crop(8), cut(8), affine(shift=(0.1, 0)), crop_lines(0, 0.3)])
def test_what_moves_content_along_the_width_is_refused(part: Part) -> None:
    with pytest.raises(InputError, match=r"part 2 of 2 .* along the width"):
        lines(blur(), part)


def test_shares_that_cannot_be_are_refused() -> None:
    for make in (lambda: crop_lines(0.5), lambda: crop_lines(0, -1), lambda: sharpen(2), lambda: fade(0.5, 2)):
        with pytest.raises(InputError, match="from"):
            make()
