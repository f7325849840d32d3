"""The toys: small distributions in one or two dimensions (and short sine waves) whose density is known exactly.

Two moons and spirals are usually points on a curve plus noise. Here the curve is a chain of Gaussians, one standard
deviation or less apart: its ripple is below 10⁻⁸ of its height, and its density can be written down.

    grid25        25 Gaussians, means on {-2, -1, 0, 1, 2}², standard deviation 0.05 (Azadi et al., 2019)
    ring8, ring10 8 or 10 Gaussians on a circle of radius 2, standard deviation 0.02 (Metz et al., 2017)
    moons         two half circles, standard deviation 0.1, one class each
    spirals       two interleaved spirals of one and a half turns, standard deviation 0.05, one class each
    checkerboard  uniform on eight dark unit squares of a board of sixteen
    normal        N(0, 1): the first of each pair of the two-sample tests; the second ones are
    shifted       N(1, 1), which a mean tells apart,
    wide          N(0, 2²), which a variance tells apart,
    laplace       Laplace with mean 0 and variance 1, which neither does
    two-normals   0.7 N(-3, 0.7²) + 0.3 N(3, 0.7²): one Gaussian fitted to it covers or seeks, by the divergence
    sines         sine waves of 32 points: 1, 2, 3 or 4 periods (the classes), normal amplitudes, noise 0.1

Samaneh Azadi, Catherine Olsson, Trevor Darrell, Ian Goodfellow, Augustus Odena. Discriminator Rejection Sampling.
2019. https://arxiv.org/abs/1810.06758
Luke Metz, Ben Poole, David Pfau, Jascha Sohl-Dickstein. Unrolled Generative Adversarial Networks. 2017.
https://arxiv.org/abs/1611.02163
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.data.truth import Checkerboard, Laplace, Mixture, Truth


class Toy(NamedTuple):
    """How to make a toy, and the names of its classes where it has any."""

    make: Callable[[], Truth]
    classes: tuple[str, ...] = ()


def grid(side: int = 5, std: float = 0.05) -> Mixture:
    """`side`² Gaussians, one unit apart, around the origin."""
    line = torch.arange(side) - (side - 1) / 2
    return Mixture(torch.cartesian_prod(line, line), std)


def ring(k: int = 8, radius: float = 2.0, std: float = 0.02) -> Mixture:
    """`k` Gaussians on a circle."""
    return Mixture(radius * _on_circle(torch.arange(k) * (2 * math.pi / k)), std)


def moons(std: float = 0.1, links: int = 40) -> Mixture:
    """Two half circles of radius 1 that reach into each other."""
    outer = _on_circle(_midpoints(links) * math.pi)
    inner = torch.tensor([1.0, 0.5]) - outer
    return Mixture(torch.cat((outer, inner)), std, labels=torch.arange(2).repeat_interleave(links))


def spirals(std: float = 0.05, links: int = 250, turns: float = 1.5) -> Mixture:
    """Two spirals r = 2 s, angle = 2π turns s, with links at equal distances along the curve."""
    s = torch.linspace(0.1, 1, 100 * links)
    arm = 2 * s[:, None] * _on_circle(2 * math.pi * turns * s)
    length = (arm[1:] - arm[:-1]).norm(dim=1).cumsum(0)
    arm = arm[torch.searchsorted(length, _midpoints(links) * length[-1])]
    return Mixture(torch.cat((arm, -arm)), std, labels=torch.arange(2).repeat_interleave(links))


def normal(mean: float = 0.0, std: float = 1.0) -> Mixture:
    """One Gaussian on a line."""
    return Mixture(torch.tensor([[mean]]), std)


def two_normals(w: float = 0.7, s: float = 3.0, std: float = 0.7) -> Mixture:
    """w N(-s, std²) + (1 - w) N(s, std²)."""
    return Mixture(torch.tensor([[-s], [s]]), std, weights=torch.tensor([w, 1 - w]))


def sines(length: int = 32, periods: int = 4, noise: float = 0.1) -> Mixture:
    """x_t = A sin ωt + B cos ωt + noise, with A and B standard normal: a Gaussian for every frequency ω."""
    t = torch.arange(length) * (2 * math.pi / length)
    wave = torch.arange(1, periods + 1)[:, None] * t
    basis = torch.stack((wave.sin(), wave.cos()), dim=-1).double()
    covariance = basis @ basis.mT + noise**2 * torch.eye(length)
    scales = torch.linalg.cholesky(covariance).float()
    return Mixture(torch.zeros(periods, length), scales, labels=torch.arange(periods))


TOYS: dict[str, Toy] = {
    "grid25": Toy(grid),
    "ring8": Toy(ring),
    "ring10": Toy(lambda: ring(10)),
    "moons": Toy(moons, ("upper", "lower")),
    "spirals": Toy(spirals, ("first", "second")),
    "checkerboard": Toy(Checkerboard),
    "normal": Toy(normal),
    "shifted": Toy(lambda: normal(1.0)),
    "wide": Toy(lambda: normal(0.0, 2.0)),
    "laplace": Toy(Laplace),
    "two-normals": Toy(two_normals),
    "sines": Toy(sines, ("1 period", "2 periods", "3 periods", "4 periods")),
}


def _on_circle(angle: Float[Tensor, " n"]) -> Float[Tensor, "n 2"]:
    return torch.stack((angle.cos(), angle.sin()), dim=1)


def _midpoints(n: int) -> Float[Tensor, " n"]:
    return (torch.arange(n) + 0.5) / n
