from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from likeness.data.decode import FAILURES, Form, Header, header, pixels


def encoded(image: Image.Image, kind: str = "PNG", **options) -> BytesIO:
    file = BytesIO()
    image.save(file, kind, **options)
    return BytesIO(file.getvalue())


def noise(h: int, w: int, c: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (h, w, c), dtype=np.uint8)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "BMP"])
def test_lossless_files_keep_every_pixel(kind: str) -> None:
    x = noise(5, 7)
    options = {"lossless": True} if kind == "WEBP" else {}
    assert np.array_equal(pixels(encoded(Image.fromarray(x), kind, **options), Form(3, None)), x.transpose(2, 0, 1))


@pytest.mark.parametrize(
    ("mode", "channels"), [("1", 1), ("L", 1), ("LA", 1), ("I;16", 1), ("P", 3), ("RGB", 3), ("RGBA", 3)]
)
def test_the_header_tells_the_size_and_whether_there_is_colour(mode: str, channels: int) -> None:
    assert header(encoded(Image.new(mode, (7, 5)))) == Header(7, 5, channels)


def test_colour_and_grey_become_each_other() -> None:
    grey = noise(4, 4, 1)
    assert np.array_equal(
        pixels(encoded(Image.fromarray(grey[..., 0])), Form(3, None)), np.repeat(grey.transpose(2, 0, 1), 3, 0)
    )
    assert pixels(encoded(Image.fromarray(noise(4, 4))), Form(1, None)).shape == (1, 4, 4)


def test_sixteen_bits_are_cut_to_their_upper_eight() -> None:
    deep = (noise(4, 4, 1)[..., 0].astype(np.uint16) << 8) + 77
    assert np.array_equal(pixels(encoded(Image.fromarray(deep)), Form(1, None))[0], deep >> 8)


def test_transparency_is_laid_over_white() -> None:
    x = np.zeros((4, 4, 4), np.uint8)
    x[:2, :, 3] = 255
    found = pixels(encoded(Image.fromarray(x)), Form(3, None))
    assert found[:, :2].max() == 0
    assert found[:, 2:].min() == 255


def test_a_photograph_is_turned_as_the_camera_was() -> None:
    image = Image.new("L", (16, 8))
    image.paste(255, (0, 0, 4, 8))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter to the right
    file = encoded(image, "JPEG", exif=exif)
    assert header(file)[:2] == (8, 16)
    found = pixels(BytesIO(file.getvalue()), Form(1, None))
    assert found.shape == (1, 16, 8)
    assert found[0, :3].min() > 200
    assert found[0, 6:].max() < 50


def test_a_size_cuts_the_centre_and_resizes() -> None:
    x = np.zeros((8, 24, 3), np.uint8)
    x[:, 8:16] = 200
    assert np.array_equal(pixels(encoded(Image.fromarray(x)), Form(3, 4)), np.full((3, 4, 4), 200))


def test_reducing_a_large_photograph_early_changes_next_to_nothing() -> None:
    smooth = Image.fromarray(noise(12, 16)).resize((640, 480), Image.Resampling.BICUBIC)
    file = encoded(smooth, "JPEG", quality=90)
    slow = Image.open(BytesIO(file.getvalue())).crop((80, 0, 560, 480)).resize((64, 64), Image.Resampling.BICUBIC)
    difference = pixels(file, Form(3, 64)).astype(int) - np.array(slow).transpose(2, 0, 1)
    assert abs(difference).max() <= 3


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("size", [None, 16])
def test_a_truncated_file_raises_what_is_expected(kind: str, size: int | None) -> None:
    whole = encoded(Image.fromarray(noise(64, 64)), kind).getvalue()
    with pytest.raises(FAILURES):
        pixels(BytesIO(whole[: len(whole) // 2]), Form(3, size))
