"""Images in memory: which arrays are images, their channels and their size.

Inside, an image is uint8 `(channels, height, width)` with 1 or 3 channels. The rules for a size:

- Images in memory are first cut to a square around their centre. A square that is smaller than the size by less
  than a quarter is set into a black frame, which keeps every pixel (28 → 32); any other is resized with antialiasing.
- Files are always cut to a square and resized (Pillow, bicubic, antialiased), because photographs have no black rim.
"""

import torch
from jaxtyping import UInt8
from torch import Tensor
from torch.nn import functional as F

from likeness.errors import InputError

Images = UInt8[Tensor, "n c h w"]
GREY = (0.299, 0.587, 0.114)  # ITU-R BT.601, which Pillow uses


def prepared(images: Images, size: int | None, channels: int | None) -> UInt8[Tensor, "n k s t"]:
    """The images with that many channels and that size; None leaves them as they are.

    Raises:
        InputError: the size is below 4, or the channels are neither 1 nor 3.
    """
    check_form(size, channels)
    if channels is not None and channels != images.shape[1]:
        images = _grey(images) if channels == 1 else images.expand(-1, 3, -1, -1)
    return images if size is None else _sized(images, size)


def check_form(size: int | None, channels: int | None) -> None:
    if size is not None and size < 4:
        raise InputError(f"size {size}: use 4 pixels or more")
    if channels not in (None, 1, 3):
        raise InputError(f"channels {channels}: use 1 (grey) or 3 (colour)")


def _grey(images: Images) -> UInt8[Tensor, "n 1 h w"]:
    weights = torch.tensor(GREY)[:, None, None]
    return torch.cat(
        [(part.float() * weights).sum(1, keepdim=True).round().to(torch.uint8) for part in images.split(1024)]
    )


def _sized(images: Images, size: int) -> UInt8[Tensor, "n c size size"]:
    h, w = images.shape[2:]
    side = min(h, w)
    top, left = (h - side) // 2, (w - side) // 2
    images = images[:, :, top : top + side, left : left + side]
    if side <= size < 1.25 * side:
        before = (size - side) // 2
        after = size - side - before
        return F.pad(images, (before, after, before, after))
    return torch.cat([_resized(part, size) for part in images.split(1024)])


def _resized(images: Images, size: int) -> UInt8[Tensor, "n c size size"]:
    smooth = F.interpolate(images.float(), (size, size), mode="bicubic", antialias=True)
    return smooth.round().clamp(0, 255).to(torch.uint8)
