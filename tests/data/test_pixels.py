import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from likeness.data.pixels import as_images, prepared
from likeness.errors import InputError

SIDES = st.integers(4, 24)


@settings(deadline=None, max_examples=30)
@given(
    st.integers(4, 24), st.integers(4, 24), st.sampled_from([1, 3]), st.sampled_from([1, 3, None]), st.integers(4, 40)
)
def test_every_image_takes_every_form(h: int, w: int, c: int, channels: int | None, size: int) -> None:
    x = torch.randint(256, (2, c, h, w), dtype=torch.uint8)
    assert prepared(x, size, channels).shape == (2, channels or c, size, size)
    assert prepared(x, size, channels).dtype == torch.uint8
    assert prepared(x, None, channels).shape == (2, channels or c, h, w)


def test_a_little_larger_is_a_black_frame_that_keeps_every_pixel() -> None:
    x = torch.randint(1, 256, (3, 1, 28, 28), dtype=torch.uint8)
    framed = prepared(x, 32, None)
    assert torch.equal(framed[:, :, 2:-2, 2:-2], x)
    assert framed.sum() == x.sum()
    floats = prepared(x / 127.5 - 1, 32, None)
    assert float(floats[0, 0, 0, 0]) == -1


@pytest.mark.parametrize("size", [14, 40])
def test_other_sizes_agree_with_pillow(size: int) -> None:
    x = (120 + 30 * torch.randn(1, 1, 28, 28)).clamp(80, 160).to(torch.uint8)  # Pillow clips between its two passes
    theirs = Image.fromarray(x[0, 0].numpy()).resize((size, size), Image.Resampling.BICUBIC)
    difference = prepared(x, size, None)[0, 0].int() - torch.from_numpy(np.array(theirs)).int()
    assert difference.abs().max() <= 2


def test_the_square_is_cut_around_the_centre() -> None:
    x = torch.zeros(1, 1, 8, 16, dtype=torch.uint8)
    x[..., 4:12] = 255
    assert prepared(x, 8, None).min() == 255


def test_grey_is_pillows() -> None:
    x = torch.randint(256, (1, 3, 9, 9), dtype=torch.uint8)
    theirs = Image.fromarray(x[0].permute(1, 2, 0).numpy()).convert("L")
    assert (prepared(x, None, 1)[0, 0].int() - torch.from_numpy(np.array(theirs)).int()).abs().max() <= 1


def test_channels_may_stand_first_or_last_and_grey_may_have_none() -> None:
    x = np.random.default_rng(0).integers(0, 256, (5, 3, 8, 9), dtype=np.uint8)
    assert torch.equal(as_images(x, "x"), as_images(x.transpose(0, 2, 3, 1), "x"))
    assert as_images(x[:, 0], "x").shape == (5, 1, 8, 9)


@pytest.mark.parametrize(
    "scale", [lambda b: b, lambda b: b / 255, lambda b: b / 127.5 - 1, lambda b: b.astype(np.int64)]
)
def test_all_ranges_mean_the_same_picture(scale) -> None:
    x = np.random.default_rng(0).integers(0, 256, (4, 1, 8, 8), dtype=np.uint8)
    x[0, 0, 0, :2] = 0, 255
    found = as_images(scale(x), "x")
    found = found if found.dtype == torch.float32 else found / 127.5 - 1
    torch.testing.assert_close(found, torch.from_numpy(x) / 127.5 - 1, atol=1e-6, rtol=0)


def test_transparency_is_laid_over_white() -> None:
    x = np.zeros((2, 4, 8, 8), np.uint8)
    x[1, 3] = 255
    found = as_images(x, "x")
    assert found.shape == (2, 3, 8, 8)
    assert (int(found[0].min()), int(found[1].max())) == (255, 0)


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (np.full((2, 8, 8), 300), "300"),
        (np.full((2, 8, 8), -3.0), "-3"),
        (np.zeros((2, 7, 8, 9)), "channels"),
    ],
)
def test_what_is_no_image_is_refused(x: np.ndarray, said: str) -> None:
    with pytest.raises(InputError, match=said):
        as_images(x, "x")


@pytest.mark.parametrize(("size", "channels"), [(3, None), (None, 2)])
def test_forms_that_no_image_has_are_refused(size: int | None, channels: int | None) -> None:
    with pytest.raises(InputError, match=r"size 3|channels 2"):
        prepared(torch.zeros(1, 1, 8, 8, dtype=torch.uint8), size, channels)
