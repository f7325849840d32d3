"""Moving pixels: where each pixel of a picture comes from, and what stands there.

A warp says for places (x, y) of the new picture which places of the old one they show. The frame is [-1, 1]² from edge
to edge, x to the right and y down. It is a matrix (n, 3, 3) of homogeneous coordinates, or a field (n, 2, a, b) of
displacements on a lattice, smooth in between. Several of them, in the order in which they are done, are followed
backwards, so that the pixels are read once:

    place = A₁(A₂(… A_k(p)))                                                                        (1)

Upright boxes within the picture (crops, flips) are resized as Pillow resizes them: by a triangle as wide as the pixels
that one new pixel stands for, over the pixels of the box alone, one axis after the other:

    y = K_v x K_hᵀ,    K_ij ∝ max(0, 1 − |c_i − j| / s),   s = max(1, old / new)                     (2)

Everything else is read off between the four nearest pixels.

(2) Jeffrey A. Clark and contributors. Pillow: concepts, filters. https://pillow.readthedocs.io/en/stable/handbook/concepts.html
"""

from collections.abc import Sequence
from functools import reduce
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import grid_sample

Images = Float[Tensor, "n c h w"]
Size = tuple[int, int]  # height, width


Number = Tensor | float  # one, or one a sample (n,)


def matrices(
    n: int, across: Sequence[Number] = (1.0, 0.0, 0.0), down: Sequence[Number] = (0.0, 1.0, 0.0), *, like: Any
) -> Float[Tensor, "n 3 3"]:
    """Affine warps (x, y) ↦ (a₀ x + a₁ y + a₂, d₀ x + d₁ y + d₂), where a is `across` and d is `down`.

    Of the type and on the device of `like`.
    """
    numbers = (*across, *down, 0.0, 0.0, 1.0)
    rows = [torch.as_tensor(v, dtype=like.dtype, device=like.device).expand(n) for v in numbers]
    return torch.stack(rows, 1).unflatten(1, (3, 3))


def resize_boxes(x: Images, warps: Sequence[Tensor], size: Size) -> Float[Tensor, "n c k l"]:
    """What the warps show, where all are upright boxes within the picture; blurred where it shrinks."""
    A = reduce(torch.matmul, warps)  # (1)
    h, w = x.shape[2:]
    if size[0] >= h and size[1] >= w:  # s = 1: of each axis two pixels count, and reading those is faster
        return grid_sample(x, _within(A, (h, w), size), padding_mode="border", align_corners=False)
    return separable(x, _triangles(A[:, 1, 1], A[:, 1, 2], h, size[0]), _triangles(A[:, 0, 0], A[:, 0, 2], w, size[1]))


def _within(A: Float[Tensor, "n 3 3"], old: Size, new: Size) -> Float[Tensor, "n k l 2"]:
    """The places in the boxes of the new pixels, and those at the edge moved onto the outermost pixels' centres."""
    axes = []
    for i, (before, after) in enumerate(zip(old[::-1], new[::-1])):  # x, then y
        scale, shift = A[:, i, i, None], A[:, i, 2, None]
        place = torch.arange(after, device=A.device, dtype=A.dtype) + 0.5 - after / 2
        reach = (scale.abs() - 1 / before).clamp(min=0)
        axes.append((shift + scale * (2 / after) * place).maximum(shift - reach).minimum(shift + reach))
    return torch.stack(torch.broadcast_tensors(axes[0][:, None, :], axes[1][:, :, None]), -1)


def separable(x: Images, vertical: Float[Tensor, "n k h"], horizontal: Float[Tensor, "n l w"]) -> Tensor:
    """y = K_v x K_hᵀ, of each sample its own."""
    c, h = x.shape[1:3]
    rows = torch.bmm(x.flatten(1, 2), horizontal.mT).unflatten(1, (c, h))
    return vertical[:, None] @ rows  # (2)


def _triangles(
    scale: Float[Tensor, " n"], shift: Float[Tensor, " n"], old: int, new: int
) -> Float[Tensor, "n new old"]:
    pixel, place = (torch.arange(k, device=scale.device, dtype=scale.dtype) + 0.5 for k in (old, new))
    middle, reach = ((shift + 1) * old / 2)[:, None], scale.abs()[:, None] * old / 2
    wide = 2 * reach / new  # pixels that one new pixel stands for
    centre = middle + scale.sign()[:, None] * wide * (place - new / 2)  # exact where nothing changes
    seen = (pixel > middle - reach - 0.499) & (pixel < middle + reach + 0.499)
    # In place from here on: this is as large as the images are.
    weight = (pixel - centre[:, :, None]).abs_().mul_(-1 / wide.clamp(min=1)[:, :, None]).add_(1).clamp_(min=0)
    weight *= seen.to(weight.dtype)[:, None]
    return weight.div_(weight.sum(2, keepdim=True))


def sample(x: Images, warps: Sequence[Tensor], size: Size, beyond: float | None = None) -> Float[Tensor, "n c k l"]:
    """What the warps show; outside the picture is the value `beyond`, or the nearest pixel of the edge."""
    grid = frame(size, like=x).expand(len(x), -1, -1, -1)
    for warp in reversed(warps):
        grid = follow(warp, grid)  # (1)
    if beyond is None:
        return grid_sample(x, grid, padding_mode="border", align_corners=False)
    return grid_sample(x - beyond, grid, padding_mode="zeros", align_corners=False) + beyond


def frame(size: Size, *, like: Tensor) -> Float[Tensor, "1 h w 2"]:
    """The places (x, y) of the pixels' centres."""
    y, x = ((2 * torch.arange(k, device=like.device, dtype=like.dtype) + 1 - k) / k for k in size)
    return torch.stack(torch.broadcast_tensors(x[None, :], y[:, None]), -1)[None]


def follow(warp: Tensor, places: Float[Tensor, "n h w 2"]) -> Float[Tensor, "n h w 2"]:
    """Where in the old picture these places of the new one come from."""
    if warp.ndim == 4:
        moved = grid_sample(warp, places, mode="bicubic", padding_mode="border", align_corners=True)
        return places + moved.permute(0, 2, 3, 1)
    n, h, w, _ = places.shape
    found = torch.baddbmm(warp[:, None, :, 2], places.reshape(n, h * w, 2), warp[:, :, :2].mT)
    return (found[..., :2] / found[..., 2:]).unflatten(1, (h, w))
