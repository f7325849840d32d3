"""Changes agree with references for given parameters, do nothing where they should, and keep the range."""

import colorsys

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance, ImageOps
from torch.nn.functional import conv2d

from likeness.data.view_colours import (
    blur,
    brightness,
    contrast,
    cut_out,
    gaussians,
    grey,
    hue,
    jitter,
    luminance,
    noise,
    saturation,
    solarise,
    turned,
)  # fmt: skip
from likeness.data.view_parts import Change
from likeness.errors import InputError

X = torch.rand(5, 3, 16, 20) * 2 - 1
BYTE = 2 / 255


def pictures(x: torch.Tensor) -> list[Image.Image]:
    return [Image.fromarray(((i.permute(1, 2, 0) + 1) * 127.5).round().byte().numpy()) for i in x]


def tensor(pictures: list[Image.Image]) -> torch.Tensor:
    return torch.from_numpy(np.stack([np.asarray(p) for p in pictures])).permute(0, 3, 1, 2) / 127.5 - 1


@pytest.mark.parametrize(
    "change",
    [brightness(1, 1), contrast(1, 1), saturation(1, 1), hue(0), jitter(), blur(0, 0), noise(0), cut_out(0), grey(0)],
)
def test_changes_of_nothing_are_the_identity(change: Change) -> None:
    torch.testing.assert_close(change(X.double()), X.double(), atol=1e-9, rtol=0)
    torch.testing.assert_close(change(X), X, atol=2e-6, rtol=0)


@pytest.mark.parametrize("factor", [0.0, 0.4, 1.7])
@pytest.mark.parametrize(
    ("make", "enhance"),
    [(brightness, ImageEnhance.Brightness), (contrast, ImageEnhance.Contrast), (saturation, ImageEnhance.Color)],
)
def test_factors_agree_with_pillow(make, enhance, factor: float) -> None:
    x = tensor(pictures(X))  # whole bytes; Pillow's results are rounded to bytes, and so are the means it blends with
    expected = tensor([enhance(p).enhance(factor) for p in pictures(x)])
    torch.testing.assert_close(make(factor, factor)(x), expected, atol=1.7 * BYTE, rtol=0)


def test_grey_and_solarised_images_agree_with_pillow() -> None:
    x = tensor(pictures(X))
    expected = tensor([p.convert("L").convert("RGB") for p in pictures(x)])
    torch.testing.assert_close(grey()(x), expected, atol=BYTE, rtol=0)
    torch.testing.assert_close(solarise(0.0)(x), tensor([ImageOps.solarize(p, 128) for p in pictures(x)]))
    one = torch.rand(2, 1, 4, 4)
    assert torch.equal(grey()(one), one)


def test_hues_agree_with_the_standard_library() -> None:
    x, by = X[:, :, :4, :4].clone(), torch.tensor([0.0, 0.1, -0.3, 0.5, -0.5])
    x[:, :, 0, 0], x[:, 1, 0, 1] = 0.3, x[:, 0, 0, 1]  # grey, and two channels alike
    found = turned(x, by)
    for i in range(5):
        for place in np.ndindex(4, 4):
            h, s, v = colorsys.rgb_to_hsv(*((x[i, :, *place] + 1) / 2).tolist())
            expected = 2 * torch.tensor(colorsys.hsv_to_rgb((h + float(by[i])) % 1, s, v)) - 1
            torch.testing.assert_close(found[i, :, *place], expected, atol=5e-6, rtol=0)


def test_hues_turn_all_the_way_round_and_leave_the_ends_of_a_colour() -> None:
    for by in (0.13, 0.5):
        y = turned(X, torch.full((5,), by))
        torch.testing.assert_close(turned(y, torch.full((5,), 1 - by)), X, atol=1e-5, rtol=0)
        torch.testing.assert_close(y.amax(1), X.amax(1))
        torch.testing.assert_close(y.amin(1), X.amin(1))
    third = torch.full((5,), 1 / 3)
    torch.testing.assert_close(turned(X, third), X.roll(1, 1), atol=1e-5, rtol=0)  # red becomes green


@pytest.mark.parametrize("sigma", [0.5, 1.3])
def test_a_blur_agrees_with_a_convolution(sigma: float) -> None:
    place = torch.arange(-8, 9.0)
    kernel = (-(place[:, None].square() + place.square()) / (2 * sigma**2)).exp()[None, None]
    wide = lambda x: conv2d(x.flatten(0, 1)[:, None], kernel, padding=8).view_as(x)  # noqa: E731
    expected = wide(X) / wide(torch.ones_like(X))  # beyond the edge is nothing, which does not count
    torch.testing.assert_close(blur(sigma, sigma)(X), expected, atol=1e-5, rtol=0)


def test_blurs_in_turn_add_their_variances_and_keep_a_flat_image() -> None:
    point = torch.full((1, 1, 41, 41), -1.0)
    point[0, 0, 20, 20] = 1.0
    twice = blur(2, 2)(blur(1.5, 1.5)(point))
    torch.testing.assert_close(twice, blur(2.5, 2.5)(point), atol=1e-5, rtol=0)
    flat = torch.full((2, 3, 9, 9), 0.3)
    torch.testing.assert_close(blur(5, 5)(flat), flat)
    assert torch.equal(gaussians(torch.zeros(1), 4)[0], torch.eye(4))


def test_contrast_keeps_the_mean_grey_and_saturation_the_grey() -> None:
    x = 0.3 * X
    torch.testing.assert_close(luminance(contrast(0.5, 1.5)(x)).mean((1, 2, 3)), luminance(x).mean((1, 2, 3)))
    torch.testing.assert_close(luminance(saturation(0, 1.5)(x)), luminance(x), atol=1e-6, rtol=0)


def test_jitter_is_one_of_the_orders_of_its_parts() -> None:
    """Strong brightness and contrast do not commute where values are cut off: both orders are found, nothing else."""
    x = torch.rand(1, 3, 4, 4) * 2 - 1
    fixed = (brightness(1.9, 1.9), contrast(1.9, 1.9))
    orders = [fixed[1](fixed[0](x)), fixed[0](fixed[1](x))]
    from likeness.data.view_parts import shuffled

    found = shuffled(fixed)(x.expand(64, -1, -1, -1))
    near = torch.stack([(found - o).abs().amax((1, 2, 3)) < 1e-5 for o in orders])
    assert near.any(0).all()
    assert near.any(1).all()


def test_noise_and_cut_outs_have_their_size() -> None:
    flat = torch.zeros(50, 1, 20, 20)
    assert float(noise(0.1)(flat).std()) == pytest.approx(0.1, rel=0.03)
    hidden = (cut_out(0.5, value=1.0)(flat) == 1).flatten(1).sum(1)
    assert int(hidden.max()) <= 100, "a square of 10 pixels a side"
    assert int(hidden.min()) >= 25, "of which a quarter at least is within"
    assert int((hidden == 100).sum()) > 3


@pytest.mark.parametrize(
    "change",
    [jitter(0.8, 0.8, 0.8, 0.2), grey(), blur(), solarise(), noise(1.0), cut_out(0.5), jitter(5, 5, 5, 0.5)],
)
def test_the_range_is_kept(change: Change) -> None:
    for x in (X, X.sign(), torch.ones_like(X)):
        y = change(x)
        assert float(y.abs().max()) <= 1
        assert y.isfinite().all()


def test_colours_of_grey_images_are_refused() -> None:
    g = torch.zeros(2, 1, 4, 4)
    for change, what in ((hue(0.1), "hue"), (saturation(0, 1), "saturation"), (jitter(s=0.4), "saturation")):
        with pytest.raises(InputError, match=f"{what} of images with 1 channels"):
            change(g)
    with pytest.raises(InputError, match="grey of images with 4 channels"):
        grey()(torch.zeros(2, 4, 4, 4))
    assert jitter(0.4, 0.4)(g).shape == g.shape


def test_parameters_that_cannot_be_are_refused() -> None:
    for make, text in (
        (lambda: brightness(-1, 1), "brightness"),
        (lambda: contrast(2, 1), "rising"),
        (lambda: hue(0.6), "hue"),
        (lambda: jitter(-0.1), "brightness"),
        (lambda: blur(2, 1), "blur"),
        (lambda: solarise(3), "threshold"),
        (lambda: noise(-1), "noise"),
        (lambda: cut_out(2), "share"),
        (lambda: cut_out(value=3), "value"),
    ):
        with pytest.raises(InputError, match=text):
            make()
