"""Images in memory: which arrays are images, their channels and their size.

Inside, images are `(n, channels, height, width)` with 1 or 3 channels, uint8 or float32 in [-1, 1]. The rules for a
size:

- Images in memory are first cut to a square around their centre. A square that is smaller than the size by less
  than a quarter is set into a black frame, which keeps every pixel (28 → 32); any other is resized, bicubic and
  antialiased.
- Files are always cut to a square and resized by Pillow, bicubic and antialiased: photographs have no black rim.
"""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Shaped
from torch import Tensor
from torch.nn import functional as F

from likeness.errors import InputError

GREY = (0.299, 0.587, 0.114)  # ITU-R BT.601, as in Pillow
FRAME = 1.25  # sizes below this many times the side are reached by a frame
CHUNK = 1024  # images worked on together


def as_images(x: np.ndarray, source: str) -> Shaped[Tensor, "n c h w"]:
    """An array of three or four dimensions as images, by the rules of `arrays`.

    Raises:
        InputError: no dimension can be the channels, or the values are not those of images.
    """
    x = _channels_first(x, source)
    low, high = x.min(), x.max()
    if x.dtype == bool:
        return torch.from_numpy(x.astype(np.uint8) * 255)
    if x.dtype.kind in "iu" and low >= 0 and high <= 255:
        images = torch.from_numpy(x.astype(np.uint8, copy=False))
    elif x.dtype.kind == "f" and low >= -1 and high <= 255 and (low >= 0 or high <= 1):
        images = _stretched(torch.from_numpy(x.astype(np.float32, copy=False)), float(low), float(high))
    else:
        raise InputError(
            f"{source} has values from {low} to {high}: images are 0 … 255, or floats in [-1, 1] or [0, 1]"
        )
    return _over_white(images) if images.shape[1] == 4 else images


def prepared(images: Shaped[Tensor, "n c h w"], size: int | None, channels: int | None) -> Shaped[Tensor, "n k s t"]:
    """The images with that many channels and that size; None leaves them as they are.

    Raises:
        InputError: the size is below 4, or the channels are neither 1 nor 3.
    """
    check_form(size, channels)
    if channels is not None and channels != images.shape[1]:
        images = _chunked(_grey, images) if channels == 1 else images.expand(-1, 3, -1, -1)
    return images if size is None else _sized(images, size)


def check_form(size: int | None, channels: int | None) -> None:
    """Raises InputError for a size or a number of channels that no image can have."""
    if size is not None and size < 4:
        raise InputError(f"size {size}: use 4 pixels or more")
    if channels not in (None, 1, 3):
        raise InputError(f"channels {channels}: use 1 (grey) or 3 (colour)")


def _channels_first(x: np.ndarray, source: str) -> np.ndarray:
    if x.ndim == 3:
        return x[:, None]
    if x.shape[1] in (1, 3, 4):
        return x
    if x.shape[3] in (1, 3, 4):
        turned = x.transpose(0, 3, 1, 2)
        return turned if isinstance(x, np.memmap) else np.ascontiguousarray(turned)  # what is mapped stays on the disk
    raise InputError(f"{source} has shape {x.shape}: images have 1, 3 or 4 channels, first or last")


def _stretched(x: Tensor, low: float, high: float) -> Tensor:
    if low < 0:
        return x
    return x * 2 - 1 if high <= 1 else x / 127.5 - 1


def _over_white(x: Tensor) -> Tensor:
    """Colour where the fourth channel is full, white where it is empty."""
    bottom, top = (0, 255) if x.dtype == torch.uint8 else (-1, 1)
    cover = (x[:, 3:].float() - bottom) / (top - bottom)
    return _like(x, cover * x[:, :3] + (1 - cover) * top)


def _grey(x: Tensor) -> Tensor:
    return _like(x, (x.float() * torch.tensor(GREY)[:, None, None]).sum(1, keepdim=True))


def _sized(x: Tensor, size: int) -> Tensor:
    h, w = x.shape[2:]
    side = min(h, w)
    top, left = (h - side) // 2, (w - side) // 2
    x = x[:, :, top : top + side, left : left + side]
    if side <= size < FRAME * side:
        before = (size - side) // 2
        after = size - side - before
        return F.pad(x, (before, after, before, after), value=0 if x.dtype == torch.uint8 else -1)
    return _chunked(lambda part: _like(x, F.interpolate(part.float(), (size, size), mode="bicubic", antialias=True)), x)


def _like(x: Tensor, result: Tensor) -> Tensor:
    """The result in the range and the type of the images it was made from."""
    return result.round().clamp(0, 255).to(torch.uint8) if x.dtype == torch.uint8 else result.clamp(-1, 1)


def _chunked(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    return torch.cat([function(part) for part in x.split(CHUNK)])
