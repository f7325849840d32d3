"""Pictures of one coloured shape whose factors are known: kind, place, size, colour and rotation.

A shape is given by its signed distance, negative inside; a pixel is covered in proportion to that distance within
half a pixel of the edge, which smooths the outline. Rotations end at a quarter turn, where the square and the cross
look as they did at first, so that every factor can be read off the picture.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from likeness.sampling import Streams, streams

KINDS = ("ellipse", "square", "triangle", "cross")


class Factors(NamedTuple):
    """What a picture shows, one value a sample. The frame is [-1, 1]², x to the right and y down."""

    kind: Int[Tensor, " n"]  # place in KINDS
    x: Float[Tensor, " n"]  # centre, -0.4 … 0.4
    y: Float[Tensor, " n"]
    size: Float[Tensor, " n"]  # radius, 0.3 … 0.55
    hue: Float[Tensor, " n"]  # 0 … 1, around the colour circle from red to red
    rotation: Float[Tensor, " n"]  # radians, 0 … π/2


def factors(n: int, *, generator: int | Streams | None = None) -> Factors:
    """Independent factors, each uniform on its range."""
    source = streams(generator)
    kind, u = source.integers(n, len(KINDS)), source.uniform(n, 5)
    x, y = 0.8 * u[:, 0] - 0.4, 0.8 * u[:, 1] - 0.4
    return Factors(kind, x, y, 0.3 + 0.25 * u[:, 2], u[:, 3], u[:, 4] * math.pi / 2)


def picture(f: Factors, side: int) -> Float[Tensor, "n 3 side side"]:
    """The pictures, `side` by `side` pixels, in [-1, 1] on black."""
    centres = (torch.arange(side, device=f.x.device) + 0.5) * 2 / side - 1
    dx = centres[None, None, :] - f.x[:, None, None]
    dy = centres[None, :, None] - f.y[:, None, None]
    c, s = f.rotation.cos()[:, None, None], f.rotation.sin()[:, None, None]
    r = f.size[:, None, None]
    p, q = (c * dx + s * dy) / r, (c * dy - s * dx) / r
    every = torch.stack((_ellipse(p, q), _square(p, q), _triangle(p, q), _cross(p, q)))
    distance = r * every.gather(0, f.kind[None, :, None, None].expand(1, -1, side, side))[0]
    cover = (0.5 - distance * side / 2).clamp(0, 1)
    return 2 * cover[:, None] * colour(f.hue)[:, :, None, None] - 1


def colour(hue: Float[Tensor, " n"]) -> Float[Tensor, "n 3"]:
    """Red, green and blue in [0, 1] of a fully saturated colour."""
    offset = torch.tensor([0.0, 2 / 3, 1 / 3], device=hue.device)
    return (((hue[:, None] + offset) % 1 * 6 - 3).abs() - 1).clamp(0, 1)


Plane = Float[Tensor, "n h w"]


def _ellipse(p: Plane, q: Plane) -> Plane:
    """Half axes 1 and 0.6; the distance is exact to first order at the edge."""
    k = (p.square() + (q / 0.6).square()).sqrt()
    return k * (k - 1) / (p.square() + (q / 0.36).square()).sqrt().clamp_min(1e-6)


def _box(p: Plane, q: Plane, a: float, b: float) -> Plane:
    u, v = p.abs() - a, q.abs() - b
    return (u.clamp_min(0).square() + v.clamp_min(0).square()).sqrt() + torch.maximum(u, v).clamp_max(0)


def _square(p: Plane, q: Plane) -> Plane:
    return _box(p, q, 0.75, 0.75)


def _cross(p: Plane, q: Plane) -> Plane:
    return torch.minimum(_box(p, q, 0.95, 0.3), _box(p, q, 0.3, 0.95))


def _triangle(p: Plane, q: Plane) -> Plane:
    """Equilateral with its corners on the unit circle, as the largest distance from its three sides."""
    sides = [math.sin(a) * p + math.cos(a) * q for a in (0.0, 2 * math.pi / 3, 4 * math.pi / 3)]
    return torch.stack(sides).amax(0) - 0.5
