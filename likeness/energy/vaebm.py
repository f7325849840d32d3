"""VAEBM: a trained VAE times an energy, with chains in the space of the noise that the VAE makes its draws of.

    h(x, z) = p_θ(x, z) e^{−E(x)} / Z,   log h(x) = log p_θ(x) − E(x) − log Z ≥ L_VAE(x) − E(x) − log Z   (1)
    min_E   mean E(x) − mean E(x⁻) + r mean (E(x)² + E(x⁻)²) + α_s Σ σ_max,   x⁻ ~ h                (2)
    x(ε) = T_x(T_z(ε_z), ε_x),   ε ~ N(0, I)                 a draw of the VAE                      (3)
    U(ε) = E(x(ε)) + ½‖ε_x‖² + ½‖ε_z‖²                       so that x(ε) ~ h where ε ~ e^{−U}      (4)
    ε ← ε − (η/2) ∇U(ε) + √η ω,   ω ~ N(0, I)                                                       (5)
    min_θ   E_{p_θ} E(x)                                     the VAE follows (optional)             (6)

The VAE is trained first, and is then frozen: the energy takes away what it draws off the data. In the noise all
directions have one scale, where in (x, z) almost all of x given z is a point. (The published code has log p(x, z) for
−½‖ε‖² in (4), which is another law where the scale of x given z depends on z.) Ours besides: the magnitude r, without
which short chains let a small energy sharpen until modes are lost; weights begin by draws of the VAE (not by data), so
that every process begins with the same.

Zhisheng Xiao, Karsten Kreis, Jan Kautz, Arash Vahdat. VAEBM: A Symbiosis between Variational Autoencoders and
Energy-based Models. 2021. https://arxiv.org/abs/2010.00654
"""

from collections.abc import Iterator, Sequence
from functools import partial
from math import prod
from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor, nn

from likeness.chains.langevin import unadjusted
from likeness.chains.state import OfBatch, Source, last
from likeness.core import Method, Terms, Update
from likeness.data.batch import Batch
from likeness.energy.energies import score, valued
from likeness.energy.replay import Replay
from likeness.energy.spectral import SpectralPenalty, matrices
from likeness.errors import InputError
from likeness.nn.energy_net import standardise
from likeness.nn.modes import evaluating
from likeness.ranks import ends_batch, noise_like
from likeness.sampling import Streams, streams

FIRST, LATER = 40, 4  # power iterations of a step
STANDARDISED = 64  # draws of the VAE by which the weights begin


class FromNoise(Protocol):
    """A VAE that says what it makes of noise.

    Attributes:
        sizes: numbers in z, of each level where there are several.
    """

    sizes: tuple[int, ...]

    def at(self, noise_z: Tensor, noise_x: Tensor | None = None) -> Tensor:
        """The draw for this noise, or without noise of x the mean given z; differentiable."""

    def log_prob(self, x: Tensor) -> Tensor:
        """A bound of log p_θ(x)."""


class VAEBM(Method):
    """The energy `E` (n, *event) → (n,), on top of `vae`, a module that is `FromNoise`.

    Args:
        vae_steps: batches that the VAE learns from first, as the method that it is; 0 for one that has been trained.
        steps, step_size: of the chains in training, η of (5).
        drawing: steps of the chains that samples are the ends of.
        capacity: ends of chains kept to begin others from; 0 begins all of them at N(0, I).
        persistence: share of the chains that begin so, from `annealing` batches on; it rises to that from 0.
        mean: learn from the mean of x given z, instead of a draw.
        magnitude: r of (2).
        spectral: α_s of (2).
        follower: the part of the VAE that moves by (6), such as its decoder; without one it stays as it is.

    Raises:
        InputError: a number is out of its range.
    """

    log_prob_kind = "unnormalised"
    begun: Tensor

    def __init__(
        self,
        vae: nn.Module,
        E: nn.Module,
        event: Sequence[int],
        *,
        vae_steps: int = 0,
        steps: int = 10,
        drawing: int = 16,
        step_size: float = 8e-5,
        capacity: int = 10_000,
        persistence: float = 0.6,
        annealing: int = 5000,
        mean: bool = False,
        magnitude: float = 0.0,
        spectral: float = 0.2,
        follower: nn.Module | None = None,
    ) -> None:
        super().__init__()
        if steps < 1 or drawing < 0 or not step_size > 0:
            raise InputError(f"{steps} and {drawing} steps of size {step_size:g}: give one or more, of a size above 0")
        if not 0 <= persistence <= 1:
            raise InputError(f"persistence {persistence:g}: a share of chains is from 0 to 1")
        self.vae, self.E, self.event, self.sizes = vae, E, tuple(event), tuple(vae.sizes)  # type: ignore[arg-type]
        self.vae_steps, self.steps, self.drawing, self.step_size = vae_steps, steps, drawing, step_size
        self.persistence, self.annealing, self.mean = persistence, annealing, mean
        self.magnitude, self.spectral, self.follower = magnitude, spectral, follower
        self.d = sum(self.sizes) + prod(self.event)
        self.replay = Replay(torch.randn(capacity, self.d)) if capacity and persistence else None
        self.penalty = SpectralPenalty(matrices(E)) if spectral else None
        self.register_buffer("begun", torch.tensor(False))

    def updates(self, batch: Batch) -> Iterator[Update]:
        if self.iteration < self.vae_steps:
            self.vae.iteration = self.iteration  # type: ignore[assignment]
            yield from self.vae.updates(batch)  # type: ignore[operator]
            return
        self._begin()
        start, places = self._starts(batch.x)
        ends = last(self.chains(start, OfBatch(), steps=self.steps))
        negative = self.x(ends, mean=self.mean)
        yield self.E, lambda: self.terms(batch.x, negative)
        if self.replay is not None and places is not None:
            self.replay.put(places, ends)
        if self.follower is not None:
            yield self.follower, lambda: {"follower": self.E(self.x(noise_like(start))).mean()}  # (6)

    def terms(self, x: Float[Tensor, " n *event"], negative: Float[Tensor, " n *event"]) -> Terms:
        """What E minimises, of data and of ends of chains; `data` + `negative` is the gap between their energies."""
        E, E_ = valued(self.E, x), valued(self.E, negative)
        terms = {"data": E.mean(), "negative": -E_.mean()}  # (2)
        if self.magnitude:
            terms["magnitude"] = self.magnitude * (E.square() + E_.square()).mean()
        if self.penalty is not None:
            terms["spectral"] = self.spectral * self.penalty(matrices(self.E))
        return terms

    def x(self, eps: Float[Tensor, "n d"], *, mean: bool = False) -> Float[Tensor, " n *event"]:
        """The draw of the VAE for this noise, or its mean given z."""
        z, x = eps.split([sum(self.sizes), self.d - sum(self.sizes)], 1)
        return self.vae.at(z, None if mean else x.unflatten(1, self.event))  # type: ignore[operator]  # (3)

    def potential(self, eps: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """U: minus the log density of the noise, up to a constant."""
        return valued(self.E, self.x(eps)) + eps.square().sum(1) / 2  # (4)

    def chains(
        self, eps: Float[Tensor, "n d"], source: Source, *, steps: int, step_size: float | None = None
    ) -> Iterator[Float[Tensor, "n d"]]:
        """Noise at every step, from `eps` on; `x` makes samples of it.

        Raises:
            InputError: the steps make a chain explode.
        """
        yield eps
        with evaluating(self.E):
            yield from unadjusted(
                partial(score, self.potential),
                eps,
                steps=steps,
                step_size=step_size or self.step_size,
                source=source,
            )  # (5)

    @torch.no_grad()
    def sample(
        self,
        n: int,
        *,
        generator: int | Streams | None = None,
        steps: int | None = None,
        step_size: float | None = None,
        mean: bool = False,
    ) -> Float[Tensor, " n *event"]:
        """The ends of chains; those of 0 steps are the draws of the VAE. With `mean`, the mean of x given their z."""
        source, device = streams(generator), self.begun.device
        start = torch.cat([source.normal(n, d, device=device) for d in (*self.sizes, prod(self.event))], 1)
        steps = self.drawing if steps is None else steps
        ends = last(self.chains(start, source.split("chains"), steps=steps, step_size=step_size))
        return self.x(ends, mean=mean)

    @torch.no_grad()
    def energy(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, " n"]:
        """E(x): low where data are likelier than the VAE has them; −E is the log of that ratio, up to a constant."""
        with evaluating(self.E):
            return valued(self.E, x)

    @torch.no_grad()
    def log_prob(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, " n"]:
        """A bound of log p_θ(x), less E(x): log h(x) without log Z, which nothing here estimates."""
        return self.vae.log_prob(x) - self.energy(x)  # type: ignore[operator]  # (1)

    def _starts(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Where the chains of a batch begin, and the places of their ends in the buffer."""
        fresh = noise_like(x.new_empty(len(x), self.d))
        if self.replay is None:
            return fresh, None
        since = self.iteration - self.vae_steps
        return self.replay.begin(fresh, self.persistence * min(1.0, since / max(1, self.annealing)))

    @torch.no_grad()
    def _begin(self) -> None:
        """Weights that fit the draws of the VAE, once; singular vectors that follow the weights, at every batch."""
        first = not self.begun
        if first:
            noise = Streams(0).split("standardise").normal(STANDARDISED, self.d, device=self.begun.device)
            standardise(self.E, self.x(noise))
            self.begun.fill_(True)
        if self.penalty is not None and ends_batch():
            since = self.iteration - self.vae_steps
            self.penalty.iterate(matrices(self.E), FIRST if since == 0 else LATER)
