"""What the spins of an Ising model were, given what was seen of them: the likeliest grid, or the likeliest spins.

    ICM            y_i ← sign a_i,   colour after colour, until none changes: no step raises the energy   (1)
    annealing      Gibbs sweeps of p^β with β rising, then (1)                                            (2)
    majority       y_i = sign E[y_i],   E[y_i] ≈ mean over sweeps of tanh a_i = E[y_i | the others]       (3)
    graph cut      argmin E exactly, where every coupling is above zero                                   (4)

a_i is what acts on a spin (`lattice.py`). The cut severs spins of 1 from spins of −1 in a network with a capacity of
2J_o between neighbours and of 2|h_i| to the terminal that the field favours; what it costs is E, up to a constant. (4)
is the truth that (1) and (2) are held against; (3) makes the fewest errors in the mean, and none of the others does.

(1, 3) Julian Besag. On the Statistical Analysis of Dirty Pictures. 1986.
    https://doi.org/10.1111/j.2517-6161.1986.tb01412.x
(2) Stuart Geman, Donald Geman. Stochastic Relaxation, Gibbs Distributions, and the Bayesian Restoration of Images.
    1984. https://doi.org/10.1109/TPAMI.1984.4767596
(4) D. M. Greig, B. T. Porteous, A. H. Seheult. Exact Maximum A Posteriori Estimation for Binary Images. 1989.
    https://doi.org/10.1111/j.2517-6161.1989.tb01764.x
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from likeness.chains import gibbs
from likeness.chains.state import last
from likeness.chains.verdict import MIXED, split_rhat
from likeness.energy.lattice import Lattice, colours, energy, local, shifted
from likeness.errors import InputError
from likeness.findings import Finding
from likeness.sampling import Streams

LARGEST_FLOW = 2**30  # what capacities, which the algorithm wants whole, may come to together


def sweeps(
    law: Lattice, y: Float[Tensor, "n *c h w"], *, steps: int, source: Streams
) -> Iterator[Float[Tensor, "n *c h w"]]:
    """The grids after each Gibbs sweep, in which every spin is drawn once given the others."""
    blocks = [gibbs.binary(lambda y: 2 * local(law, y), there) for there in colours(law, *y.shape[-2:])]
    return gibbs.sweeps(blocks, y, steps=steps, source=source)


@torch.no_grad()
def icm(law: Lattice, y: Float[Tensor, "*n h w"], *, most: int = 100) -> Iterator[Float[Tensor, "*n h w"]]:
    """The grids after each pass over all spins, until a pass changes none; a spin on which nothing acts stays."""
    masks = [there.to(y.device) for there in colours(law, *y.shape[-2:])]
    for _ in range(most):
        before = y
        for there in masks:
            a = local(law, y)
            y = torch.where(there & (a != 0), a.sign(), y)  # (1)
        if torch.equal(y, before):
            return
        yield y


def annealed(
    law: Lattice,
    y: Float[Tensor, "n *c h w"],
    *,
    steps: int = 100,
    hot: float = 0.1,
    cold: float = 3.0,
    source: Streams,
) -> Float[Tensor, "n *c h w"]:
    """A grid of low energy, by sweeps from β = `hot` to β = `cold`, with a last descent."""
    for beta in torch.logspace(math.log10(hot), math.log10(cold), steps).tolist():
        y = last(sweeps(law.at(beta), y, steps=1, source=source))  # (2)
    return settled(law, y)


def settled(law: Lattice, y: Float[Tensor, "*n h w"]) -> Float[Tensor, "*n h w"]:
    """Where ICM ends."""
    return last((y, *icm(law, y)))


class Marginals(NamedTuple):
    """Means of the spins, how far the chains of each grid agree, and what is wrong with them in words."""

    mean: Float[Tensor, "n *c h w"]
    rhat: Float[Tensor, " n"]
    findings: tuple[Finding, ...]

    @property
    def majority(self) -> Float[Tensor, "n *c h w"]:
        """Each spin as it is more often."""
        return torch.where(self.mean > 0, 1.0, -1.0)


@torch.no_grad()
def marginals(
    law: Lattice,
    y: Float[Tensor, "n *c h w"],
    *,
    source: Streams,
    steps: int = 60,
    burn_in: int = 20,
    chains: int = 2,
) -> Marginals:
    """E[y] of each grid by Gibbs averages; a chain begins at y, another at −y, and so on by turns.

    Split R̂ of energies and of mean spins tells whether chains that began so far apart have come to agree.
    """
    total, traces = torch.zeros_like(y), []
    for chain in range(chains):
        start = y if chain % 2 == 0 else -y
        trace = []
        for step, state in enumerate(sweeps(law, start, steps=burn_in + steps, source=source.split(chain))):
            if step >= burn_in:
                mean = local(law, state).tanh()  # (3)
                total += mean
                trace.append(torch.stack((energy(law, state).reshape(len(y), -1).sum(1), mean.flatten(1).sum(1)), 1))
        traces.append(torch.stack(trace))
    rhat = split_rhat(torch.stack(traces, dim=1)).amax(1)
    return Marginals(total / (steps * chains), rhat, _unmixed(rhat, steps))


def _unmixed(rhat: Float[Tensor, " n"], steps: int) -> tuple[Finding, ...]:
    share = float((rhat > MIXED).float().mean())
    if share == 0:
        return ()
    saw = f"The chains of {share:.0%} of the grids have not mixed in {steps} sweeps (R̂ up to {float(rhat.max()):.2f})."
    return (Finding("unmixed-chain", saw, "Use more sweeps, or the likeliest grid by a graph cut instead."),)


def likeliest(law: Lattice, y: Float[Tensor, "n *c h w"], *, source: Streams) -> Float[Tensor, "n *c h w"]:
    """The grids of lowest energy: exactly by `cut` where no coupling is below zero, else as low as `annealed` comes."""
    return cut(law, y.shape).to(y) if bool((law.J >= 0).all()) else annealed(law, y, source=source)


def cut(law: Lattice, shape: tuple[int, ...]) -> Float[Tensor, "*n h w"]:
    """The grids (*n, h, w) of lowest energy, exactly, up to the rounding of capacities to about nine digits in all.

    Raises:
        InputError: a coupling is below zero.
    """
    if bool((law.J < 0).any()):
        lowest = float(law.J.min())
        raise InputError(f"a coupling of {lowest:.3g}: a graph cut wants all of them at zero or above; use annealed")
    colours(law, *shape[-2:])
    fields = law.h.expand(shape).reshape(-1, *shape[-2:]).detach().cpu().double()
    return torch.stack([_cut(law, h) for h in fields]).view(shape)


def _cut(law: Lattice, h: Float[Tensor, "h w"]) -> Float[Tensor, "h w"]:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import breadth_first_order, maximum_flow

    n = h.numel()
    site, source, sink = torch.arange(1, n + 1, dtype=torch.float64).view_as(h), n, n + 1
    ends, capacities = [], []
    for J, o in zip(law.J.tolist(), law.offsets, strict=True):
        other = shifted(site, o, law.periodic)
        a, b = (t[other > 0].long().numpy() - 1 for t in (site, other))
        ends += [(a, b), (b, a)]
        capacities += [np.full(len(a), 2 * J)] * 2
    flat = h.flatten().numpy()
    for to, strength in ((True, flat), (False, -flat)):
        at = np.flatnonzero(strength > 0)
        terminal = np.full(len(at), source if to else sink)
        ends.append((terminal, at) if to else (at, terminal))
        capacities.append(2 * strength[at])
    rows, columns = (np.concatenate(part) for part in zip(*ends, strict=True))
    weights = np.concatenate(capacities)
    whole = np.round(weights * (LARGEST_FLOW / max(weights.sum(), 1e-300))).astype(np.int32)
    graph = coo_array((whole, (rows, columns)), shape=(n + 2, n + 2)).tocsr()
    left = graph - maximum_flow(graph, source, sink).flow
    left.data[left.data < 0] = 0
    left.eliminate_zeros()
    reached = breadth_first_order(left, source, return_predecessors=False)
    y = torch.full((n + 2,), -1.0)
    y[torch.from_numpy(reached.astype(np.int64))] = 1.0  # (4)
    return y[:n].view_as(h)
