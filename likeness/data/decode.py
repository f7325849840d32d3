"""One encoded image (PNG, JPEG, WebP …) to pixels, by Pillow."""

import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

Source = Path | BytesIO

# What Pillow raises, in one format or another, for a file that is cut short, damaged, or no image.
FAILURES = (
    *(OSError, SyntaxError, ValueError, EOFError, IndexError, OverflowError),
    *(struct.error, zlib.error, Image.DecompressionBombError),
)
ORIENTATION, SIDEWAYS = 0x0112, range(5, 9)  # the EXIF tag of a camera's turn, and the turns that swap the sides


class Header(NamedTuple):
    """What a file says of itself before it is decoded; `channels` is 1 for grey and 3 for colour."""

    width: int
    height: int
    channels: int


class Form(NamedTuple):
    """What images become: 1 or 3 channels, and a square of `size` pixels or, for None, their own size."""

    channels: int
    size: int | None


def header(source: Source) -> Header:
    """Raises one of FAILURES where the file is no image."""
    with Image.open(source) as image:
        width, height = image.size
        if image.format == "JPEG" and image.getexif().get(ORIENTATION) in SIDEWAYS:
            width, height = height, width
        return Header(width, height, 1 if image.mode in ("1", "L", "LA", "I", "F") or "16" in image.mode else 3)


def pixels(source: Source, form: Form) -> np.ndarray:
    """uint8 `(channels, height, width)`: turned as the camera was, transparency laid over white, cut and resized.

    A JPEG of more than twice the size is first reduced by a power of two while it is decoded.

    Raises one of FAILURES where the file is broken.
    """
    with Image.open(source) as opened:
        if form.size is not None:
            opened.draft(None, (2 * form.size, 2 * form.size))  # JPEG alone: most of the time is saved
        image = ImageOps.exif_transpose(opened) if opened.format == "JPEG" else opened
        image = _plain(image, "L" if form.channels == 1 else "RGB")
    if form.size is not None:
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        square = image.crop((left, top, left + side, top + side))
        image = square.resize((form.size, form.size), Image.Resampling.BICUBIC)
    return np.array(image).reshape(image.height, image.width, form.channels).transpose(2, 0, 1)


def _plain(image: Image.Image, mode: str) -> Image.Image:
    if "16" in image.mode:
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if "A" in image.mode or "transparency" in image.info:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return image.convert(mode)
