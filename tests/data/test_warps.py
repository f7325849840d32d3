"""Nothing moves where nothing should; boxes are resized as Pillow does; places follow each other backwards."""

import numpy as np
import pytest
import torch
from PIL import Image

from likeness.data.view_geometry import box
from likeness.data.warps import follow, frame, matrices, resize_boxes, sample, separable

X = torch.rand(3, 2, 20, 31) * 2 - 1


def test_the_identity_changes_nothing() -> None:
    still = matrices(3, like=X)
    torch.testing.assert_close(resize_boxes(X, [still, still], (20, 31)), X, atol=5e-6, rtol=0)
    torch.testing.assert_close(resize_boxes(X, [still, still], (19, 31)), resize_boxes(X, [still], (19, 31)))
    fine = X.double()
    fields = torch.zeros(3, 2, 4, 4, dtype=fine.dtype)
    found = sample(fine, [still.double(), fields, still.double()], (20, 31))
    torch.testing.assert_close(found, fine, atol=1e-12, rtol=0)
    torch.testing.assert_close(resize_boxes(fine, [still.double()], (20, 31)), fine, atol=1e-12, rtol=0)
    torch.testing.assert_close(sample(X, [still], (20, 31), -1.0), X, atol=2e-5, rtol=0)


@pytest.mark.parametrize("size", [(8, 8), (20, 31), (33, 50), (5, 60)])
def test_a_box_is_resized_as_pillow_resizes_it(size: tuple[int, int]) -> None:
    left, top, wide, high = torch.tensor([[0, 4, 7], [2, 0, 9], [31, 20, 5], [18, 20, 3]]).float()
    found = resize_boxes(X, [box(left, top, wide, high, (20, 31))], size)
    for i in range(3):
        place = (int(left[i]), int(top[i]), int(left[i] + wide[i]), int(top[i] + high[i]))
        for c in range(2):
            part = Image.fromarray(X[i, c].numpy()).crop(place)
            expected = np.asarray(part.resize((size[1], size[0]), Image.Resampling.BILINEAR))
            torch.testing.assert_close(found[i, c], torch.tensor(expected), atol=2e-5, rtol=0)


def test_a_mirror_is_a_mirror() -> None:
    mirror = matrices(3, (-1.0, 0.0, 0.0), like=X)
    torch.testing.assert_close(resize_boxes(X, [mirror], (20, 31)), X.flip(3), atol=5e-6, rtol=0)
    shrunk = resize_boxes(X, [mirror], (7, 9))
    torch.testing.assert_close(shrunk, resize_boxes(X, [mirror, mirror], (7, 9)).flip(3), atol=1e-6, rtol=0)


def test_warps_are_followed_backwards() -> None:
    """Cut to the left half, then mirrored: the right end shows the left edge."""
    x = torch.linspace(-1, 1, 40).expand(1, 1, 8, 40).contiguous()
    half = matrices(1, (0.5, 0.0, -0.5), like=x)
    mirror = matrices(1, (-1.0, 0.0, 0.0), like=x)
    found = resize_boxes(x, [half, mirror], (8, 20))[0, 0, 0]
    torch.testing.assert_close(found, x[0, 0, 0, :20].flip(0), atol=1e-6, rtol=0)
    torch.testing.assert_close(sample(x, [half, mirror], (8, 20))[0, 0, 0], found, atol=1e-5, rtol=0)


def test_a_quarter_turn_is_the_turned_picture_and_beyond_it_is_what_was_said() -> None:
    x = torch.rand(1, 1, 9, 9, dtype=torch.float64)
    quarter = matrices(1, (0.0, 1.0, 0.0), (-1.0, 0.0, 0.0), like=x)
    torch.testing.assert_close(sample(x, [quarter], (9, 9)), x.rot90(-1, (2, 3)), atol=1e-9, rtol=0)
    away = matrices(1, (1.0, 0.0, 5.0), like=x)
    assert (sample(x, [away], (9, 9), -1.0) == -1).all()
    torch.testing.assert_close(sample(x, [away], (9, 9)), x[..., -1:].expand_as(x))


def test_a_homography_keeps_straight_lines_straight() -> None:
    warp = matrices(1, like=X)
    warp[:, 2, :2] = torch.tensor([0.2, -0.1])
    places = follow(warp, frame((7, 7), like=X))[0]
    for line in (places[3], places[:, 2], places[range(7), range(7)]):
        apart = line - line[0]
        cross = apart[1:, 0] * apart[-1, 1] - apart[1:, 1] * apart[-1, 0]
        assert float(cross.abs().max()) < 1e-6


def test_a_field_moves_by_what_its_lattice_says() -> None:
    field = torch.zeros(1, 2, 3, 3, dtype=torch.float64)
    field[0, 0] = 0.25  # everything shows what lies an eighth of the width to its right
    places = frame((6, 8), like=field)
    torch.testing.assert_close(follow(field, places), places + torch.tensor([0.25, 0.0], dtype=torch.float64))


def test_separable_is_the_product_of_the_paper() -> None:
    vertical, horizontal = torch.rand(3, 5, 20), torch.rand(3, 7, 31)
    expected = torch.einsum("nkh,nchw,nlw->nckl", vertical, X, horizontal)
    torch.testing.assert_close(separable(X, vertical, horizontal), expected, atol=1e-4, rtol=1e-5)
