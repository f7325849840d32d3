"""Motions of pixels that make views: crops, flips, affine maps, perspective and elastic waves.

    crop      area ~ U(scale) · h w,   log(width/height) ~ U(log ratio)                             (1)
    affine    scaled, sheared and turned about the middle, then shifted                             (2)
    elastic   displacements of a smooth random field                                                (3)

Each returns a `Motion`; `chain` folds those that stand side by side into one (`likeness.data.view_parts`).

(1) Christian Szegedy et al. Going Deeper with Convolutions. 2014. https://arxiv.org/abs/1409.4842
(3) Patrice Simard, Dave Steinkraus, John Platt. Best Practices for Convolutional Neural Networks Applied to Visual
    Document Analysis. 2003. https://doi.org/10.1109/ICDAR.2003.1227801
"""

import math

import torch
from torch import Tensor

from likeness.data.view_parts import Motion, Source, check_range
from likeness.data.warps import Size, matrices
from likeness.errors import InputError

TRIES = 10


def crop(
    size: int | Size,
    *,
    scale: tuple[float, float] = (0.08, 1.0),
    ratio: tuple[float, float] = (3 / 4, 4 / 3),
) -> Motion:
    """A random box of whole pixels, resized to `size`: a share of the area in `scale`, width over height in `ratio`.

    Of ten tries the first that fits is taken; where none does, the largest middle box of a ratio in range.

    Raises:
        InputError: a range is not rising, or the scale outside (0, 1].
    """
    out = _size(size)
    check_range("scale", *scale, least=1e-6, most=1.0)
    check_range("ratio", *ratio, least=1e-6)

    def draw(source: Source, image: Size) -> Tensor:
        h, w = image
        area = h * w * source.between(*scale, TRIES)  # (1)
        shape = source.between(math.log(ratio[0]), math.log(ratio[1]), TRIES).exp()  # (1)
        wide, high = (area * shape).sqrt().round(), (area / shape).sqrt().round()
        fits = (wide >= 1) & (wide <= w) & (high >= 1) & (high <= h)
        first = torch.where(fits, torch.arange(TRIES, device=fits.device), TRIES).min(1, keepdim=True).values
        none, first = first[:, 0] == TRIES, first.clamp(max=TRIES - 1)
        middle_w, middle_h = _middle(image, ratio)
        wide = torch.where(none, middle_w, wide.gather(1, first)[:, 0])
        high = torch.where(none, middle_h, high.gather(1, first)[:, 0])
        u = source.uniform(2)
        left = torch.where(none, (w - wide) / 2, (u[:, 0] * (w - wide + 1)).floor().minimum(w - wide))
        top = torch.where(none, (h - high) / 2, (u[:, 1] * (h - high + 1)).floor().minimum(h - high))
        return box(left, top, wide, high, image)

    return Motion(draw, out, boxes=True, keeps_order=False)


def box(left: Tensor, top: Tensor, wide: Tensor, high: Tensor, image: Size) -> Tensor:
    """The warps (n, 3, 3) that show these boxes, in pixels of the image."""
    h, w = image
    x, y = (2 * left + wide) / w - 1, (2 * top + high) / h - 1
    return matrices(len(left), (wide / w, 0.0, x), (0.0, high / h, y), like=left)


def cut(size: int | Size) -> Motion:
    """A box of this size at a random place, not resized. Raises InputError where it is larger than the image."""
    out = _size(size)

    def draw(source: Source, image: Size) -> Tensor:
        _check_fits(out, image)
        u, (high, wide) = source.uniform(2), out
        spare_x, spare_y = image[1] - wide, image[0] - high
        left = (u[:, 0] * (spare_x + 1)).floor().clamp(max=spare_x)
        top = (u[:, 1] * (spare_y + 1)).floor().clamp(max=spare_y)
        return box(left, top, torch.full_like(left, wide), torch.full_like(top, high), image)

    return Motion(draw, out, boxes=True, keeps_order=False)


def resize(size: int | Size) -> Motion:
    """The whole image, in another size."""
    return Motion(lambda source, image: matrices(source.n, like=source), _size(size), boxes=True)


def flip(p: float = 0.5) -> Motion:
    """Left and right change places."""
    return Motion(
        lambda source, image: matrices(source.n, (-1.0, 0.0, 0.0), like=source), p=p, boxes=True, keeps_order=False
    )


def affine(
    *,
    degrees: float = 0.0,
    scale: tuple[float, float] = (1.0, 1.0),
    shear: float = 0.0,
    shift: tuple[float, float] = (0.0, 0.0),
    upright: bool = False,
    p: float = 1.0,
) -> Motion:
    """Scaled, sheared along x, turned and shifted, each uniformly within its limits.

    Args:
        degrees: turns by at most this, either way.
        scale: how large the content becomes, from and to; of the height alone where `upright`.
        shear: slants by at most this many degrees, either way.
        shift: at most these shares of the width and of the height, either way.

    Raises:
        InputError: a limit is below zero, the scale not rising or not above zero, the shear above 80 degrees.
    """
    check_range("scale", *scale, least=1e-3)
    limits = (("degrees", degrees, 360), ("shear", shear, 80), ("shift", shift[0], 1), ("shift", shift[1], 1))
    for name, value, most in limits:
        check_range(name, 0, value, least=0, most=most)

    def draw(source: Source, image: Size) -> Tensor:
        h, w = image
        turn, slant = (math.radians(k) * source.between(-1, 1) for k in (degrees, shear))
        size = source.between(*scale)
        x, y = (2 * k * source.between(-1, 1) for k in shift)
        c, s, t = turn.cos(), turn.sin(), slant.tan()
        across = 1.0 if upright else 1 / size
        # Backwards: shifted back, turned back, unsheared, unscaled; in units of pixels, hence the ratio of the sides.
        xx, xy, yx, yy = across * (c + t * s), across * (s - t * c) * h / w, -s / size * w / h, c / size
        return matrices(source.n, (xx, xy, -(xx * x + xy * y)), (yx, yy, -(yx * x + yy * y)), like=source)  # (2)

    stays = degrees == 0 and shift[0] == 0 and (upright or scale == (1.0, 1.0)) and shear <= 10
    return Motion(draw, p=p, keeps_order=stays)


def perspective(share: float = 0.02, p: float = 1.0) -> Motion:
    """Tilted out of the plane, so that edges come nearer or go farther by up to this share.

    Raises:
        InputError: the share is outside [0, 0.5].
    """
    check_range("share", 0, share, least=0, most=0.5)

    def draw(source: Source, image: Size) -> Tensor:
        warp = matrices(source.n, like=source)
        warp[:, 2, :2] = source.between(-share, share, 2)
        return warp

    return Motion(draw, p=p, keeps_order=share <= 0.05)


def elastic(strength: float = 0.03, *, knots: int = 4, p: float = 1.0) -> Motion:
    """Waves: each of `knots` by `knots` places moves by normal numbers of deviation `strength` (a share of the side).

    Raises:
        InputError: the strength is below zero, or there are fewer than two knots.
    """
    check_range("strength", 0, strength, least=0, most=1.0)
    if knots < 2:
        raise InputError(f"{knots} knots: a field of displacements has two or more a side")
    draw = lambda source, image: 2 * strength * source.normal(2, knots, knots)  # noqa: E731  # (3)
    return Motion(draw, p=p, keeps_order=strength <= 0.02)


def _middle(image: Size, ratio: tuple[float, float]) -> tuple[float, float]:
    """Width and height of the largest box in range."""
    h, w = image
    if w / h < ratio[0]:
        return w, max(1.0, min(h, round(w / ratio[0])))
    if w / h > ratio[1]:
        return max(1.0, min(w, round(h * ratio[1]))), h
    return w, h


def _size(size: int | Size) -> Size:
    found = (size, size) if isinstance(size, int) else size
    if min(found) < 1:
        raise InputError(f"a view of {found[0]}×{found[1]} pixels: give one or more a side")
    return found


def _check_fits(size: Size, image: Size) -> None:
    if size[0] > image[0] or size[1] > image[1]:
        raise InputError(
            f"a crop of {size[0]}×{size[1]} from images of {image[0]}×{image[1]} pixels: give a smaller one, or "
            "`crop`, which resizes"
        )
