"""Motions have the law they are said to have, do nothing where their limits are nothing, and refuse what cannot be."""

import math

import pytest
import torch
from scipy.stats import kstest

from likeness.data.view_geometry import affine, crop, cut, elastic, flip, perspective, resize
from likeness.data.view_parts import Motion, Source, chain
from likeness.errors import InputError

X = torch.rand(4, 3, 24, 32) * 2 - 1
N = 4000


def warps(motion: Motion, h: int, w: int, n: int = N) -> torch.Tensor:
    return motion.draw(Source(torch.zeros(n, 1), 0), (h, w))


@pytest.mark.parametrize(
    "motion", [crop((24, 32), scale=(1, 1), ratio=(4 / 3, 4 / 3)), cut((24, 32)), resize((24, 32)), flip(0)]
)
def test_a_box_of_the_whole_image_is_the_image(motion: Motion) -> None:
    torch.testing.assert_close(motion(X.double()), X.double(), atol=1e-6, rtol=0)
    torch.testing.assert_close(motion(X), X, atol=5e-6, rtol=0)  # places in single precision


@pytest.mark.parametrize("motion", [affine(), perspective(0), elastic(0)])
def test_motions_without_limits_are_the_identity(motion: Motion) -> None:
    torch.testing.assert_close(motion(X.double()), X.double(), atol=1e-6, rtol=0)
    torch.testing.assert_close(motion(X), X, atol=2e-5, rtol=0)


def test_the_area_and_the_ratio_of_crops_have_their_laws() -> None:
    """Where every box fits, none is tried again: the area is uniform, and so is the logarithm of the ratio."""
    A = warps(crop(8, scale=(0.1, 0.7)), 2000, 2000)
    share, ratio = A[:, 0, 0] * A[:, 1, 1], A[:, 0, 0] / A[:, 1, 1]
    assert kstest(share, "uniform", (0.1, 0.6)).pvalue > 1e-3
    assert kstest(ratio.log(), "uniform", (math.log(3 / 4), 2 * math.log(4 / 3))).pvalue > 1e-3
    middle, reach = A[:, 0, 2], A[:, 0, 0]  # where it lies, of where it may
    assert kstest((middle / (1 - reach) + 1) / 2, "uniform").pvalue > 1e-3


@pytest.mark.parametrize(("h", "w"), [(28, 28), (7, 40), (40, 7), (1, 1)])
def test_crops_are_boxes_of_whole_pixels_within_the_image(h: int, w: int) -> None:
    A = warps(crop(8), h, w)
    for scale, shift, k in ((A[:, 0, 0], A[:, 0, 2], w), (A[:, 1, 1], A[:, 1, 2], h)):
        low, high = k * (shift - scale + 1) / 2, k * (shift + scale + 1) / 2
        assert float(low.min()) > -1e-4
        assert float(high.max()) < k + 1e-4
        assert float((high - low - (high - low).round()).abs().max()) < 1e-4
        assert float((high - low).min()) > 0.99


def test_a_crop_that_never_fits_is_the_largest_in_the_middle() -> None:
    A = warps(crop(8, scale=(1, 1)), 10, 100, 2)
    assert float(A[0, 0, 0]) == pytest.approx(0.13)  # 13 of 100 pixels, 10 high: 4 to 3
    assert (float(A[0, 1, 1]), float(A[0, 0, 2]), float(A[0, 1, 2])) == pytest.approx((1, 0, 0), abs=1e-6)


def test_cuts_are_pieces_of_the_image() -> None:
    x = torch.arange(24 * 32).view(1, 1, 24, 32).expand(300, 1, 24, 32) / 500 - 1
    y = ((cut((5, 7))(x) + 1) * 500).round().long()[:, 0]
    top, left = y[:, 0, 0] // 32, y[:, 0, 0] % 32
    rows, columns = torch.arange(5)[:, None], torch.arange(7)
    assert torch.equal(y, (top[:, None, None] + rows) * 32 + left[:, None, None] + columns)
    assert set(top.tolist()) == set(range(20))
    assert set(left.tolist()) == set(range(26))


def spot(x: torch.Tensor) -> tuple[float, float]:
    """The centre of mass (x, y) in pixels from the middle."""
    m = (x[0, 0] + 1).double()
    h, w = m.shape
    return (
        float((m.sum(0) * (torch.arange(w) - (w - 1) / 2)).sum() / m.sum()),
        float((m.sum(1) * (torch.arange(h) - (h - 1) / 2)).sum() / m.sum()),
    )


def test_an_affine_map_is_made_of_its_parts() -> None:
    """A spot 8 pixels right of the middle of an oblong image is scaled and turned about it in pixels, then shifted."""
    x = torch.full((1, 1, 33, 65), -1.0)
    x[0, 0, 15:18, 39:42] = 1.0
    assert spot(x) == (8, 0)
    found = []
    for seed in range(20):
        a, b = spot(chain(affine(degrees=180), beyond=-1.0)(x, generator=seed))
        assert math.hypot(a, b) == pytest.approx(8, abs=0.1), "turning keeps the distance"
        found.append(math.atan2(b, a))
        assert spot(affine(scale=(1.5, 1.5))(x, generator=seed)) == pytest.approx((12, 0), abs=0.1)
        assert spot(affine(scale=(1.5, 1.5), upright=True)(x, generator=seed)) == pytest.approx((8, 0), abs=0.1)
        assert spot(affine(shear=60)(x, generator=seed)) == pytest.approx((8, 0), abs=0.2), "the middle row stays"
        a, b = spot(affine(shift=(0.1, 0.2))(x, generator=seed))
        assert abs(a - 8) <= 6.6
        assert abs(b) <= 6.7
    assert min(found) < -2 < 2 < max(found), "all around"


def test_waves_have_their_strength() -> None:
    field = warps(elastic(0.05, knots=3), 8, 8)
    assert float(field.std()) / 2 == pytest.approx(0.05, rel=0.02)


def test_which_motions_keep_the_order() -> None:
    keep = [resize(8), affine(scale=(0.8, 1.2), upright=True, shear=5), affine(shift=(0, 0.2)), perspective(0.02)]
    lose = [flip(), crop(8), cut(8), affine(shift=(0.1, 0)), affine(degrees=5), affine(scale=(0.8, 1)), elastic(0.1)]
    assert all(m.keeps_order for m in [*keep, elastic(0.01)])
    assert not any(m.keeps_order for m in lose)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="crop of 40×8 from images of 24×32"):
        cut((40, 8))(X)
    for make, text in (
        (lambda: crop(8, scale=(0.5, 1.2)), "scale from 0.5 to 1.2"),
        (lambda: crop(8, scale=(0.9, 0.5)), "rising"),
        (lambda: crop(8, ratio=(0, 1)), "ratio"),
        (lambda: crop(0), "one or more"),
        (lambda: affine(degrees=-3), "degrees"),
        (lambda: affine(shear=90), "shear"),
        (lambda: affine(shift=(0.1, 2)), "shift"),
        (lambda: affine(scale=(0, 1)), "scale"),
        (lambda: perspective(0.6), "share"),
        (lambda: elastic(-1), "strength"),
        (lambda: elastic(knots=1), "two or more"),
    ):
        with pytest.raises(InputError, match=text):
            make()
