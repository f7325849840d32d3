"""The restricted Boltzmann machine: binary visible and hidden units, with connections only between the two.

    E(v, h) = −b·v − c·h − vᵀ W h
    F(v) = −log Σ_h e^{−E(v,h)} = −b·v − Σ_j log(1 + e^{c_j + (vᵀW)_j})                              (1)
    P(h_j = 1 | v) = σ(c_j + (vᵀW)_j),   P(v_i = 1 | h) = σ(b_i + (W h)_i)                           (2)
    ∇ E_data[−log p] = E_data[∇F] − E_p[∇F],  p by k sweeps of (2) from data (CD-k) or from kept chains (PCD)  (3)
    log Z = log Σ_h e^{c·h} Π_i (1 + e^{b_i + (W h)_i})      over all h, where hidden units are few      (4)
    else AIS over f_β(v) = e^{(1−β) a·v + β b·v} Π_j (1 + e^{β (c_j + (vᵀW)_j)}),  f₀ of independent units    (5)

Geoffrey E. Hinton. Training Products of Experts by Minimizing Contrastive Divergence. 2002.
https://doi.org/10.1162/089976602760128018
(5) Ruslan Salakhutdinov, Iain Murray. On the Quantitative Analysis of Deep Belief Networks. 2008.
    https://doi.org/10.1145/1390156.1390266
"""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import softplus

from likeness.annealing import schedule
from likeness.chains.gibbs import Block, sweeps
from likeness.chains.state import OfBatch, Source, last
from likeness.core import Method, Update
from likeness.data.batch import Batch
from likeness.energy.alarms import gap
from likeness.energy.partition import LogZ
from likeness.energy.replay import Replay
from likeness.errors import InputError
from likeness.ranks import batch_mean
from likeness.sampling import Streams, streams

FEW = 14  # hidden units whose states are all summed over


class RBM(Method):
    """Samples (n, *event) of the values `low` and 1; images in [-1, 1] have low = -1.

    Args:
        hidden: how many hidden units.
        k: sweeps of a negative.
        buffer: ends kept for persistent chains, at least a batch; 0 begins them at data.
        observe: what of a training sample is learned from (`likelihoods.binarised`).
        sweeps: of `sample`.

    Raises:
        InputError: a number is out of its range; in training, samples have other values than two.
    """

    levels = 2

    def __init__(
        self,
        event: Sequence[int],
        hidden: int,
        *,
        k: int = 1,
        buffer: int = 0,
        low: float = 0.0,
        observe: Callable[[Tensor], Tensor] | None = None,
        sweeps: int = 500,
    ) -> None:
        super().__init__()
        if hidden < 1 or k < 1 or buffer < 0 or sweeps < 1:
            raise InputError(
                f"{hidden} hidden units, {k} and {sweeps} sweeps, buffer {buffer}: give one or more of each"
            )
        self.event, self.k, self.low, self.observe, self.n_sweeps = tuple(event), k, low, observe, sweeps
        d = math.prod(event)
        self.W = nn.Parameter(0.01 * torch.randn(d, hidden))
        self.b, self.c = nn.Parameter(torch.zeros(d)), nn.Parameter(torch.zeros(hidden))
        self.replay = Replay(torch.rand(buffer, d).round()) if buffer else None
        self.log_prob_kind = "exact" if hidden <= FEW else "unnormalised"

    def updates(self, batch: Batch) -> Iterator[Update]:
        v = self.units(batch.x if self.observe is None else self.observe(batch.x))
        if self.iteration == 0:
            p = batch_mean(v).clamp(0.01, 0.99)
            self.b.data.copy_(torch.logit(p))  # independent units fit to begin with
        start, places = (v, None) if self.replay is None else self.replay.begin(v, 1.0)
        negative = self._swept(start, self.k, OfBatch())
        yield self, lambda: {"contrast": -gap(self.free_energy(negative), self.free_energy(v))}  # (3)
        if self.replay is not None and places is not None:
            self.replay.put(places, negative)

    def units(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, "n d"]:
        """Samples as units of 0 and 1.

        Raises:
            InputError: a value is neither `low` nor 1.
        """
        if not ((x == self.low) | (x == 1)).all():
            raise InputError(f"values between {self.low:g} and 1: units are binary; give observe=binarised, or round")
        return (x.flatten(1) > self.low).to(self.W.dtype)

    def free_energy(self, v: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        return -v @ self.b - softplus(self.c + v @ self.W).sum(1)  # (1)

    def block(self, beta: float = 1.0, a: Tensor | None = None) -> Block:
        """A sweep (2) over hidden and then visible units, or that of f_β between units of bias a and this machine."""
        b = self.b if a is None else (1 - beta) * a + beta * self.b

        def block(v: Tensor, source: Source) -> Tensor:
            h = _drawn(beta * (self.c + v @ self.W), source)
            return _drawn(b + beta * h @ self.W.T, source)  # (2)

        return block

    def _swept(self, v: Tensor, steps: int, source: Source) -> Tensor:
        return last(sweeps([self.block()], v, steps=steps, source=source))

    @torch.no_grad()
    def log_z(self) -> float:
        """Exact.

        Raises:
            InputError: there are too many hidden units to sum over.
        """
        k = len(self.c)
        if k > FEW:
            raise InputError(f"{k} hidden units have 2^{k} states: use estimated_log_z, by annealed chains")
        h = (torch.arange(2**k, device=self.W.device)[:, None] >> torch.arange(k, device=self.W.device)) & 1
        h = h.double()
        W, b, c = self.W.double(), self.b.double(), self.c.double()
        return float((h @ c + softplus(b + h @ W.T).sum(1)).logsumexp(0))  # (4)

    @torch.no_grad()
    def estimated_log_z(
        self, *, chains: int = 256, temperatures: int = 1000, generator: int | Streams | None = 0
    ) -> LogZ:
        """By annealed importance sampling from independent units."""
        source, a, d = streams(generator), self.b.detach(), len(self.b)
        v, log_w = _drawn(a.expand(chains, d), source), torch.zeros(chains, dtype=torch.float64, device=a.device)
        for before, beta in pairwise(schedule(temperatures)):
            rise = softplus(beta * (self.c + v @ self.W)) - softplus(before * (self.c + v @ self.W))
            log_w += rise.sum(1).double()  # (5)
            v = self.block(beta, a)(v, source)
        log_Z0 = len(self.c) * math.log(2) + float(softplus(a.double()).sum())
        w = (log_w - log_w.max()).exp()
        value = log_Z0 + float(log_w.logsumexp(0)) - math.log(chains)
        return LogZ(value, float(w.std() / w.mean() / math.sqrt(chains)))

    @torch.no_grad()
    def log_prob(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, " n"]:
        """Nats of the probability; up to a constant where there are many hidden units."""
        exact = self.log_prob_kind == "exact"
        return -self.free_energy(self.units(x)) - (self.log_z() if exact else 0)

    @torch.no_grad()
    def sample(self, n: int, *, generator: int | Streams | None = None) -> Float[Tensor, " n *event"]:
        """The ends of chains that begin at independent units."""
        source = streams(generator)
        v = self._swept(_drawn(self.b.expand(n, -1), source), self.n_sweeps, source)
        return (self.low + (1 - self.low) * v).view(n, *self.event)


def _drawn(logit: Tensor, source: Source) -> Tensor:
    return (source.uniform(*logit.shape, device=logit.device) < logit.sigmoid()).to(logit.dtype)
