"""Labels on a grid, each with a cost of its own and a cost with its neighbours: a Markov random field of pairs.

    E(y) = Σ_i U_i(y_i) + Σ_o Σ_i V_o(y_i, y_{i+o}),    y_i ∈ {0 … K − 1}                            (1)
    P(y_i = k | the others) ∝ e^{−C_i(k)},   C_i(k) = U_i(k) + Σ_o V_o(k, y_{i+o}) + V_o(y_{i−o}, k)  (2)
    ICM   y_i ← argmin_k C_i(k),   colour after colour: no step raises the energy                    (3)
    Potts V(k, l) = −J if k = l, else 0                                                              (4)

With K = 2 it is the Ising model of `lattice.py`, whose spins are faster: Potts' J is twice Ising's.

R. B. Potts. Some Generalized Order-Disorder Transformations. 1952. https://doi.org/10.1017/S0305004100027419
Julian Besag. On the Statistical Analysis of Dirty Pictures. 1986. https://doi.org/10.1111/j.2517-6161.1986.tb01412.x
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import one_hot

from likeness.chains import gibbs
from likeness.chains.state import Source
from likeness.energy.lattice import NEAREST, Lattice, Offset, colours, shifted
from likeness.sampling import Streams


class Field(NamedTuple):
    """The law of grids (n, h, w) of labels.

    Attributes:
        U: the cost of each label at each site, of any shape that broadcasts to (n, K, h, w).
        V: the cost of each pair of labels, a site's and that of its neighbour, for each of the offsets.
        offsets: displacements to neighbours, one of each pair of opposite ones.
        periodic: whether the last row and column are beside the first; then both sides are even.
    """

    U: Float[Tensor, "*field"]
    V: Float[Tensor, "o k k"]
    offsets: tuple[Offset, ...] = NEAREST
    periodic: bool = False


def potts(J: float, k: int, offsets: tuple[Offset, ...] = NEAREST) -> Float[Tensor, "o k k"]:
    """The costs of pairs that like to be equal."""
    return -J * torch.eye(k).expand(len(offsets), k, k)  # (4)


def energy(law: Field, y: Int[Tensor, "n h w"]) -> Float[Tensor, " n"]:
    """Of each grid."""
    there = _indicators(law, y)
    cost = (law.U * there).sum((1, 2, 3))
    for V, o in zip(law.V, law.offsets, strict=True):
        beyond = torch.einsum("kl,nlhw->nkhw", V, shifted(there, o, law.periodic))
        cost = cost + (there * beyond).sum((1, 2, 3))
    return cost  # (1)


def costs(law: Field, y: Int[Tensor, "n h w"]) -> Float[Tensor, "n k h w"]:
    """C: of each label at each site, given all the others."""
    there = _indicators(law, y)
    C = torch.zeros_like(there) + law.U
    for V, (i, j) in zip(law.V, law.offsets, strict=True):
        C = C + torch.einsum("kl,nlhw->nkhw", V, shifted(there, (i, j), law.periodic))
        C = C + torch.einsum("lk,nlhw->nkhw", V, shifted(there, (-i, -j), law.periodic))
    return C  # (2)


def sweeps(law: Field, y: Int[Tensor, "n h w"], *, steps: int, source: Streams) -> Iterator[Int[Tensor, "n h w"]]:
    """The grids after each Gibbs sweep, in which every label is drawn once given the others."""

    def block(there: Tensor) -> gibbs.Block:
        def drawn(y: Tensor, source: Source) -> Tensor:
            edges = (-costs(law, y)).softmax(1).cumsum(1)[:, :-1]
            u = source.uniform(*y.shape, device=y.device)[:, None]
            return torch.where(there, (u > edges).sum(1), y)

        return drawn

    return gibbs.sweeps([block(there.to(y.device)) for there in _colours(law, y)], y, steps=steps, source=source)


@torch.no_grad()
def icm(law: Field, y: Int[Tensor, "n h w"], *, most: int = 100) -> Iterator[Int[Tensor, "n h w"]]:
    """The grids after each pass over all sites, until a pass changes none; a label as cheap as any other stays."""
    masks = [there.to(y.device) for there in _colours(law, y)]
    for _ in range(most):
        before = y
        for there in masks:
            C = costs(law, y)
            better = C.amin(1) < C.gather(1, y[:, None])[:, 0]
            y = torch.where(there & better, C.argmin(1), y)  # (3)
        if torch.equal(y, before):
            return
        yield y


def _indicators(law: Field, y: Tensor) -> Float[Tensor, "n k h w"]:
    return one_hot(y, law.V.shape[1]).movedim(-1, 1).to(law.V.dtype)


def _colours(law: Field, y: Tensor) -> list[Tensor]:
    spins = Lattice(law.V[:, 0, 0], torch.zeros(()), law.offsets, law.periodic)
    return list(colours(spins, *y.shape[-2:]))
