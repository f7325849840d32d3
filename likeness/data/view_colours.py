"""Changes of the values of pixels that make views, for images in [-1, 1].

    brightness   x ↦ b x, where black is 0                                                          (1)
    contrast     x ↦ b x + (1 − b) m,   m the mean grey of the image                                (2)
    saturation   x ↦ b x + (1 − b) grey(x)                                                          (3)
    hue          turned around the circle of colours                                                (4)
    grey(x)      0.299 r + 0.587 g + 0.114 b in all channels                                        (5)
    blur         a Gaussian of deviation σ; beyond the edge is nothing, which does not count        (6)
    solarise     values above a threshold are inverted                                              (7)
    cut-out      a square at a random place becomes a value                                         (8)

Each returns a `Change` (`likeness.data.view_parts`).

(1)–(5), (6) Ting Chen, Simon Kornblith, Mohammad Norouzi, Geoffrey Hinton. A Simple Framework for Contrastive Learning
    of Visual Representations. 2020. https://arxiv.org/abs/2002.05709
(7) Jean-Bastien Grill et al. Bootstrap your own latent. 2020. https://arxiv.org/abs/2006.07733
(8) Terrance DeVries, Graham W. Taylor. Improved Regularization of Convolutional Neural Networks with Cutout. 2017.
    https://arxiv.org/abs/1708.04552
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.data.view_parts import Change, check_range, shuffled
from likeness.data.warps import separable
from likeness.errors import InputError

Images = Float[Tensor, "n c h w"]
RED, GREEN, BLUE = 0.299, 0.587, 0.114
PIECE = (
    2**16
)  # pixels whose hue is turned at a time: small buffers are used again, large ones come anew from the system


def brightness(low: float, high: float, *, p: float = 1.0) -> Change:
    """Raises InputError unless 0 ≤ low ≤ high; 1 changes nothing."""
    return _factor("brightness", low, high, lambda x, b: x.mul_(b).add_(b - 1), p)  # (1)


def contrast(low: float, high: float, *, p: float = 1.0) -> Change:
    """Raises InputError unless 0 ≤ low ≤ high; 1 changes nothing."""

    def apply(x: Tensor, b: Tensor) -> Tensor:
        m = luminance(x.mean((2, 3), keepdim=True))
        return x.mul_(b).add_((1 - b) * m)  # (2)

    return _factor("contrast", low, high, apply, p)


def saturation(low: float, high: float, *, p: float = 1.0) -> Change:
    """Raises InputError unless 0 ≤ low ≤ high, and for images without colours; 1 changes nothing."""

    def apply(x: Tensor, b: Tensor) -> Tensor:
        check_coloured(x, "saturation")
        light = luminance(x)
        return x.mul_(b).add_(light.mul_(1 - b))  # (3)

    return _factor("saturation", low, high, apply, p)


def hue(limit: float, *, p: float = 1.0) -> Change:
    """Turned by at most this share of the circle either way.

    Raises:
        InputError: the limit is outside [0, 0.5], or the images have no colours.
    """
    check_range("hue", 0, limit, least=0, most=0.5)

    def apply(x: Tensor, drawn: tuple[Any, ...]) -> Tensor:
        check_coloured(x, "hue")
        few = len(x) if x.is_cuda else max(1, PIECE // x[0, 0].numel())
        for some, by in zip(x.split(few), drawn[0].split(few)):
            some.copy_(turned(some, by))
        return x

    return Change(lambda source, shape: (source.between(-limit, limit),), apply, p)


def jitter(b: float = 0.0, c: float = 0.0, s: float = 0.0, h: float = 0.0, *, p: float = 1.0) -> Change:
    """Brightness, contrast, saturation and hue, in an order of its own for each sample.

    The first three are factors from max(0, 1 − k) to 1 + k, where k is `b`, `c` and `s`; the hue turns by at most `h`.

    Raises:
        InputError: one is below zero, or the hue above 0.5; images without colours, where `s` or `h` is not 0.
    """
    for name, k in (("brightness", b), ("contrast", c), ("saturation", s)):
        check_range(name, 0, k, least=0)
    factors = [make(max(0.0, 1 - k), 1 + k) for make, k in ((brightness, b), (contrast, c), (saturation, s)) if k]
    return shuffled([*factors, *([hue(h)] if h else [])], p=p)


def grey(p: float = 1.0) -> Change:
    """Without colours, in as many channels; an image of one channel stays."""
    return Change(lambda source, shape: (), lambda x, _: luminance(x).expand_as(x).contiguous(), p)  # (5)


def blur(low: float = 0.1, high: float = 2.0, *, p: float = 1.0) -> Change:
    """σ in pixels, uniform from low to high. Raises InputError unless 0 ≤ low ≤ high."""
    check_range("blur", low, high, least=0)

    def apply(x: Tensor, drawn: tuple[Any, ...]) -> Tensor:
        h, w = x.shape[2:]
        vertical = gaussians(drawn[0], h)
        return separable(x, vertical, vertical if h == w else gaussians(drawn[0], w))

    return Change(lambda source, shape: (source.between(low, high),), apply, p)


def solarise(threshold: float = 0.0, *, p: float = 1.0) -> Change:
    """Raises InputError for a threshold outside [-1, 1]."""
    check_range("threshold", threshold, threshold, least=-1, most=1)
    return Change(lambda source, shape: (), lambda x, _: torch.where(x >= threshold, -x, x), p)  # (7)


def noise(sigma: float, *, p: float = 1.0) -> Change:
    """Normal numbers in units of pixel values, cut off at the ends. Raises InputError for a σ below zero."""
    check_range("noise", 0, sigma, least=0)

    def apply(x: Tensor, drawn: tuple[Any, ...]) -> Tensor:
        return x.add_(drawn[0], alpha=sigma).clamp_(-1, 1)

    return Change(lambda source, shape: (source.normal(*shape),), apply, p)


def cut_out(share: float = 0.5, *, value: float = 0.0, p: float = 1.0) -> Change:
    """A square whose side is this share of the shorter one; its centre is anywhere, so that it may reach outside.

    Raises:
        InputError: the share is outside [0, 1], or the value outside [-1, 1].
    """
    check_range("share", 0, share, least=0, most=1)
    check_range("value", value, value, least=-1, most=1)

    def apply(x: Tensor, drawn: tuple[Any, ...]) -> Tensor:
        half, within = share * min(x.shape[2:]) / 2, []
        for centre, k in zip(drawn[0].T, x.shape[2:]):
            pixel = torch.arange(k, device=x.device, dtype=x.dtype) + 0.5
            within.append((pixel - (centre * k).floor()[:, None]).abs() < half)
        return torch.where((within[0][:, :, None] & within[1][:, None])[:, None], value, x)  # (8)

    return Change(lambda source, shape: (source.uniform(2),), apply, p)


def luminance(x: Images) -> Float[Tensor, "n 1 h w"]:
    """How bright each pixel looks; of one channel that channel."""
    if x.shape[1] == 1:
        return x
    check_coloured(x, "grey")
    return (RED * x[:, :1]).add_(x[:, 1:2], alpha=GREEN).add_(x[:, 2:], alpha=BLUE)  # (5)


def turned(x: Float[Tensor, "n 3 h w"], by: Float[Tensor, " n"]) -> Float[Tensor, "n 3 h w"]:
    """The colours with their hue moved by a share of the circle; value and saturation stay."""
    r, g, b = (channel[:, 0] for channel in x.split(1, 1))
    top = x.amax(1)
    chroma = x.amin(1).neg_().add_(top)
    # Signs choose the case of the largest channel: masks would be slower.
    not_r, not_g = (top - r).sign_(), (top - g).sign_()
    red, green, blue = g - b, (b - r).add_(chroma, alpha=2), (r - g).add_(chroma, alpha=4)
    side = blue.sub_(green).mul_(not_g).add_(green).sub_(red).mul_(not_r).add_(red)
    angle = (
        side.div_(torch.clamp(chroma, min=1e-12, out=not_r)).div_(6).add_(by.remainder(1)[:, None, None])
    )  # in turns, red at 0
    away = angle[:, None] + torch.tensor([1, 2 / 3, 1 / 3], dtype=x.dtype, device=x.device)[:, None, None]
    away.frac_().sub_(0.5).abs_()  # half a turn minus the distance from red, from green and from blue
    return away.mul_(-6).add_(2).clamp_(0, 1).mul_(chroma.neg_()[:, None]).add_(top[:, None])  # (4)


def gaussians(sigma: Float[Tensor, " n"], size: int) -> Float[Tensor, "n size size"]:
    """The matrices that blur one axis; each row has the sum 1."""
    place = torch.arange(size, device=sigma.device, dtype=sigma.dtype)
    apart = (place[:, None] - place).square()
    return (apart * (-0.5 / sigma.clamp(min=1e-3).square())[:, None, None]).softmax(2)  # (6)


def check_coloured(x: Tensor, what: str) -> None:
    """Raises InputError where the images have no three channels."""
    if x.shape[1] != 3:
        raise InputError(f"{what} of images with {x.shape[1]} channels: it needs 3 (red, green, blue); leave it out")


def _factor(name: str, low: float, high: float, apply: Any, p: float) -> Change:
    check_range(name, low, high, least=0)

    def kept(x: Tensor, drawn: tuple[Any, ...]) -> Tensor:
        return apply(x, drawn[0][:, None, None, None]).clamp_(-1, 1)

    return Change(lambda source, shape: (source.between(low, high),), kept, p)
