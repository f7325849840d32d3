"""Spins y ∈ {−1, 1} on a grid, each coupled to its neighbours and to a field of its own: the Ising model.

    E(y) = −Σ_o J_o Σ_i y_i y_{i+o} − Σ_i h_i y_i,    p(y) = e^{−E(y)} / Z                          (1)
    P(y_i = 1 | the others) = σ(2 a_i),    a_i = Σ_o J_o (y_{i+o} + y_{i−o}) + h_i                  (2)

o runs over displacements such as (0, 1) and (1, 0), each with a coupling J_o: above zero equal neighbours are likely.
What was seen of a spin, x_i, is one more term of its field; the model of y given x has the same form:

    flipped with probability ε     h_i + ½ log((1 − ε)/ε) x_i                                       (3)
    Gaussian noise of deviation σ  h_i + x_i / σ²                                                   (4)

Ernst Ising. Beitrag zur Theorie des Ferromagnetismus. 1925. https://doi.org/10.1007/BF02980577
(2–4) Stuart Geman, Donald Geman. Stochastic Relaxation, Gibbs Distributions, and the Bayesian Restoration of Images.
    1984. https://doi.org/10.1109/TPAMI.1984.4767596
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import logsigmoid

from likeness.errors import InputError

Offset = tuple[int, int]  # rows down, columns to the right
NEAREST: tuple[Offset, ...] = ((0, 1), (1, 0))
DIAGONAL: tuple[Offset, ...] = (*NEAREST, (1, 1), (1, -1))


class Lattice(NamedTuple):
    """The law (1) of grids (*n, h, w) of spins.

    Attributes:
        J: a coupling for each of the offsets; above zero for neighbours that agree.
        h: the field, of any shape that broadcasts to (*n, h, w).
        offsets: displacements to neighbours, one of each pair of opposite ones.
        periodic: whether the last row and column are beside the first; then both sides are even.
    """

    J: Float[Tensor, " k"]
    h: Float[Tensor, "*field"]
    offsets: tuple[Offset, ...] = NEAREST
    periodic: bool = False

    def at(self, beta: float) -> "Lattice":
        """The law p^β, up to its constant: the colder (β > 1), the nearer to the states of lowest energy."""
        return self._replace(J=beta * self.J, h=beta * self.h)

    def given(self, evidence: Float[Tensor, "*n h w"]) -> "Lattice":
        """The law of the spins given what was seen of them: `flips` or `gaussian`."""
        return self._replace(h=self.h + evidence)


def ising(J: float, h: float | Tensor = 0.0, *, periodic: bool = False) -> Lattice:
    """One coupling for the four nearest neighbours."""
    return Lattice(torch.tensor([J, J]), torch.as_tensor(h, dtype=torch.float32), periodic=periodic)


def flips(x: Float[Tensor, "*n"], epsilon: float) -> Float[Tensor, "*n"]:
    """The evidence of spins x of which a share ε was flipped.

    Raises:
        InputError: ε is not between 0 and ½.
    """
    if not 0 < epsilon < 0.5:
        raise InputError(f"flips {epsilon:g}: the share of pixels that noise flips lies between 0 and 0.5, such as 0.1")
    return math.log((1 - epsilon) / epsilon) / 2 * x  # (3)


def gaussian(x: Float[Tensor, "*n"], sigma: float) -> Float[Tensor, "*n"]:
    """The evidence of spins that were seen through Gaussian noise.

    Raises:
        InputError: σ is not above zero.
    """
    if sigma <= 0:
        raise InputError(f"sigma {sigma:g}: the standard deviation of the noise is above zero, in units of [-1, 1]")
    return x / sigma**2  # (4)


def binary(x: Float[Tensor, "*n"], threshold: float = 0.0) -> Float[Tensor, "*n"]:
    """1 where x lies above the threshold, else -1."""
    return torch.where(x > threshold, 1.0, -1.0)


def energy(law: Lattice, y: Float[Tensor, "*n h w"]) -> Float[Tensor, "*n"]:
    """Of each grid."""
    pairs = sum(J * (y * shifted(y, o, law.periodic)).sum((-2, -1)) for J, o in zip(law.J, law.offsets, strict=True))
    return -pairs - (law.h * y).sum((-2, -1))  # (1)


def local(law: Lattice, y: Float[Tensor, "*n h w"]) -> Float[Tensor, "*n h w"]:
    """a: what acts on each spin, half the log odds of its being 1."""
    a = torch.zeros_like(y) + law.h
    for J, (i, j) in zip(law.J, law.offsets, strict=True):
        a = a + J * (shifted(y, (i, j), law.periodic) + shifted(y, (-i, -j), law.periodic))
    return a  # (2)


def pseudo_log_likelihood(law: Lattice, y: Float[Tensor, "*n h w"]) -> Float[Tensor, "*n"]:
    """Σ_i log P(y_i | the others), in nats: no constant is needed (Besag 1975)."""
    return logsigmoid(2 * y * local(law, y)).sum((-2, -1))


def shifted(y: Float[Tensor, "*n h w"], offset: Offset, periodic: bool) -> Float[Tensor, "*n h w"]:
    """y_{i+o} at i; 0 beyond the edge."""
    i, j = offset
    moved = torch.roll(y, (-i, -j), (-2, -1))
    if periodic:
        return moved
    moved = moved.clone()
    for size, dim in ((i, -2), (j, -1)):
        if size:
            n = y.shape[dim]
            moved.narrow(dim, max(0, n - size) if size > 0 else 0, min(n, abs(size))).zero_()
    return moved


def colours(law: Lattice, h: int, w: int) -> Sequence[Bool[Tensor, "h w"]]:
    """Sets of sites of which none has a neighbour in its own: two of a checkerboard, four where diagonals count.

    Raises:
        InputError: a neighbour lies further than one site, or the grid is periodic and a side is odd.
    """
    if any(max(abs(i), abs(j)) > 1 or (i, j) == (0, 0) for i, j in law.offsets):
        raise InputError(f"offsets {law.offsets}: neighbours lie one row and one column away at most")
    if law.periodic and (h % 2 or w % 2):
        raise InputError(f"a periodic grid of {h} × {w}: its sides are even, else no checkerboard closes upon itself")
    row, column = torch.arange(h)[:, None], torch.arange(w)
    if all(i == 0 or j == 0 for i, j in law.offsets):
        dark = (row + column) % 2 == 0
        return dark, ~dark
    return [(row % 2 == a) & (column % 2 == b) for a in (0, 1) for b in (0, 1)]
