"""The Ising model exactly: by all of its states, or by those of a row at a time.

    Z = Σ_y e^{−E(y)}                                                                                (1)
    m_1(s) = e^{r_1(s)},   m_{i+1}(t) = e^{r_{i+1}(t)} Σ_s m_i(s) e^{T(s, t)},   Z = Σ_s m_h(s)       (2)
    E[y_i] = ∂ log Z / ∂h_i,   E[Σ_i y_i y_{i+o}] = ∂ log Z / ∂J_o                                   (3)
    P(s_h) ∝ m_h(s),   P(s_i | s_{i+1} = t) ∝ m_i(s) e^{T(s, t)}                                     (4)

s and t are states of a row of w spins, r the couplings and fields within it, T those between two. (2) takes time and
memory of 4^w, whatever the number of rows, and all its derivatives exist; (4) draws rows from the last to the first.
Of a periodic grid the state of the first row is carried along: 8^w. What is too wide is an InputError.

H. A. Kramers, G. H. Wannier. Statistics of the Two-Dimensional Ferromagnet. 1941.
https://doi.org/10.1103/PhysRev.60.252
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.energy.lattice import Lattice, energy, shifted
from likeness.errors import InputError
from likeness.sampling import Streams

MOST_SPINS = 20  # whose states are listed
WIDEST, WIDEST_PERIODIC = 10, 6


def states(h: int, w: int) -> Float[Tensor, "k h w"]:
    """All 2^(h w) of them.

    Raises:
        InputError: they are too many.
    """
    if h * w > MOST_SPINS:
        raise InputError(f"{h} × {w} spins: the states of more than {MOST_SPINS} are not listed; use log_partition")
    every = torch.arange(2 ** (h * w))[:, None] >> torch.arange(h * w)
    return (2.0 * (every & 1) - 1).view(-1, h, w)


def enumerated(law: Lattice, h: int, w: int) -> tuple[Float[Tensor, ""], Float[Tensor, "h w"]]:
    """log Z and the means of the spins, from all states, in double precision."""
    y = states(h, w).double()
    nats = -energy(law._replace(J=law.J.double(), h=law.h.double()), y)
    return nats.logsumexp(0), torch.einsum("k,kij->ij", nats.softmax(0), y)  # (1)


def narrow(h: int, w: int, periodic: bool = False) -> bool:
    """Whether `log_partition` can."""
    return min(h, w) <= (WIDEST_PERIODIC if periodic else WIDEST)


def log_partition(law: Lattice, h: int, w: int) -> Float[Tensor, "*n"]:
    """log Z of grids whose fields are (*n, h, w), in double precision and differentiable.

    Raises:
        InputError: the shorter side is too long.
    """
    (*_, message), _ = _messages(law, h, w)
    if law.periodic:
        message = message.diagonal(dim1=-2, dim2=-1)  # carried back to the first row
    found = message.flatten(1).logsumexp(1)
    return found.view(law.h.shape[:-2])


def exact_means(law: Lattice, h: int, w: int) -> Float[Tensor, "*n h w"]:
    """E[y]."""
    with torch.enable_grad():
        field = law.h.detach().expand(*law.h.shape[:-2], h, w).clone().requires_grad_()
        log_Z = log_partition(law._replace(J=law.J.detach(), h=field), h, w)
        return torch.autograd.grad(log_Z.sum(), field)[0]  # (3)


@torch.no_grad()
def exact_draws(law: Lattice, n: int, h: int, w: int, source: Streams) -> Float[Tensor, "n h w"]:
    """Independent draws of a law with one field for all of them, on grids that are not periodic.

    Raises:
        InputError: the shorter side is too long, or the grid is periodic.
    """
    if law.periodic:
        raise InputError("a periodic grid is drawn by Gibbs sweeps, not row by row")
    messages, (row, between) = _messages(law, h, w)
    u = source.uniform(n, len(messages), device=law.J.device).double()
    drawn: list[Tensor] = []
    for i in range(len(messages) - 1, -1, -1):
        weight = messages[i][0, 0].expand(n, -1)
        weight = (weight + between[:, drawn[0]].T if drawn else weight).softmax(1)  # (4)
        drawn.insert(
            0, torch.searchsorted(weight.cumsum(1), u[:, i, None].contiguous()).squeeze(1).clamp_max(len(row) - 1)
        )
    y = torch.stack([row[s] for s in drawn], dim=1).float()
    return y.transpose(1, 2) if w > h else y


def _messages(law: Lattice, h: int, w: int) -> tuple[list[Tensor], tuple[Tensor, Tensor]]:
    """log m of each row (n, first, states), with the states of a row and T; of a periodic grid one more, the end."""
    if not narrow(h, w, law.periodic):
        most = WIDEST_PERIODIC if law.periodic else WIDEST
        raise InputError(f"a grid of {h} × {w}: its constant takes a side of {most} or fewer spins; use AIS")
    field = law.h.expand(*law.h.shape[:-2], h, w).reshape(-1, h, w).double()
    if w > h:
        field = field.transpose(1, 2)
        law = law._replace(offsets=tuple((j, i) for i, j in law.offsets))
    row, within, between = _tables(law, field.shape[2])
    weights = field @ row.T + within  # r, (n, rows, states)
    start = torch.full((len(row), len(row)), -math.inf, dtype=row.dtype, device=row.device).fill_diagonal_(0.0)
    first = weights[:, 0, None]
    messages = [first + start if law.periodic else first]
    for i in range(1, field.shape[1]):
        messages.append(_product(messages[-1], between) + weights[:, i, None])  # (2)
    if law.periodic:
        messages.append(_product(messages[-1], between))
    return messages, (row, between)


def _tables(law: Lattice, w: int) -> tuple[Tensor, Tensor, Tensor]:
    """The states of a row, the couplings within each, and those from each to each state of the row below."""
    row = states(1, w)[:, 0].to(law.J).double()
    within, between = row.new_zeros(len(row)), row.new_zeros(len(row), len(row))
    for J, (i, j) in zip(law.J.double(), law.offsets, strict=True):
        there = shifted(row[:, None], (0, j if i >= 0 else -j), law.periodic)[:, 0]  # zero beyond the edge
        if i == 0:
            within = within + J * (row * there).sum(1)
        else:
            between = between + J * row @ there.T
    return row, within, between


def _product(message: Tensor, between: Tensor) -> Tensor:
    """log Σ_s e^{m(s) + T(s, t)}, by a product of matrices."""
    top, most = message.amax((-2, -1), keepdim=True).detach(), between.detach().max()
    return ((message - top).exp() @ (between - most).exp()).log() + top + most
