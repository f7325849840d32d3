"""A VAE with latents at several levels, inferred from the top down.

    z_L ~ N(0, I),   z_l ~ p(z_l | z_>l) = N(m_l, diag s_l²),   x ~ p(x|z)                          (1)
    q(z_l | x, z_>l) = N(m_l + Δμ_l, diag s_l² Δσ_l²),   q(z_L|x) = N(Δμ_L, diag Δσ_L²)             (2)
    ELBO(x)   = E_q[log p(x|z)] − Σ_l E_q[KL(q(z_l | x, z_>l) ‖ p(z_l | z_>l))] ≤ log p(x)          (3)
    IW_k(x)   = E log (1/k) Σ_i p(x, z_i) / q(z_i|x),   z_i of all levels,   ELBO ≤ IW_k ≤ log p(x) (4)

Level 1 is nearest the sample and L at the top. The features of x go up without noise; the posterior of a level is told
relative to its prior (NVAE's residual normal (2), where the ladder VAE weights both by their precision): outputs of
zero are the prior, at no cost. With one level this is the VAE of `vae.py`. Sums over dimensions and means over the
batch, in nats. The KL of a step has a term for every level, `kl_1` … `kl_L`, of which a level that collapsed shows
none; with `reconstruction` they are −ELBO whatever β and free bits are.

Casper Kaae Sønderby, Tapani Raiko, Lars Maaløe, Søren Kaae Sønderby, Ole Winther. Ladder Variational Autoencoders.
2016. https://arxiv.org/abs/1602.02282
(2) Arash Vahdat, Jan Kautz. NVAE: A Deep Hierarchical Variational Autoencoder. 2020. https://arxiv.org/abs/2007.03898
(4) Yuri Burda, Roger Grosse, Ruslan Salakhutdinov. 2016. https://arxiv.org/abs/1509.00519
"""

from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from operator import add
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from likeness.core import Method, Terms, Update
from likeness.data.batch import Batch
from likeness.density.classes import drawn, given, normalised, over_classes
from likeness.density.latents import (
    Posterior,
    Schedule,
    constant,
    importance_weighted,
    interpolated,
    kl,
    log_prior,
    weighting,
)
from likeness.density.likelihoods import Likelihood, placed
from likeness.errors import InputError
from likeness.nn.modes import evaluating
from likeness.ranks import noise_like
from likeness.sampling import Streams, streams

Labels = Int[Tensor, " n"] | None


class Visit(NamedTuple):
    """What was met at a level on the way down: z, its prior (None where it is N(0, I)) and, given x, its posterior."""

    z: Tensor
    p: Posterior | None
    q: Posterior | None


Pick = Callable[[int, Posterior | None, Posterior | None], Tensor]  # (levels above, p, q) to z


def beyond(p: Posterior | None, residual: Posterior) -> Posterior:
    """q relative to p."""
    if p is None:
        return residual
    return Posterior(p.mean + residual.mean, (p.log_variance + residual.log_variance).clamp(-20, 20))  # (2)


class Ladder(Method):
    """Networks up `E` and down `D`, as `likeness.nn.topdown` has them.

    Args:
        likelihood: p(x|z) given the outputs of `D`; see `likelihoods.py`.
        sizes: numbers in z at each level, from the top down.
        beta: weight of the KL of all levels, or a function of the iteration that returns it.
        free_bits: nats of KL in each dimension that cost nothing, or so for each level, from the top down; the loss
            then looks at the batch as a whole.
        observe: what of a training sample is learned from, drawn anew each time (`likelihoods.binarised`).
        labels: for networks conditional on a class, how often each occurs; (k,), not necessarily normalised.

    Raises:
        InputError: a number is out of its range; in training, samples are none of the likelihood's, or the model is
            conditional and a batch has no labels.
    """

    log_prob_kind = "bound"
    frequencies: Tensor | None

    def __init__(
        self,
        E: nn.Module,
        D: nn.Module,
        likelihood: Likelihood,
        *,
        sizes: Sequence[int],
        beta: float | Schedule = 1.0,
        free_bits: float | Sequence[float] = 0.0,
        observe: Callable[[Tensor], Tensor] | None = None,
        labels: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.E, self.D, self.likelihood, self.sizes, self.d_z = E, D, likelihood, tuple(sizes), sizes[0]
        self.free_bits = [free_bits] * len(sizes) if isinstance(free_bits, int | float) else list(free_bits)
        if len(self.free_bits) != len(sizes) or min(self.free_bits) < 0:
            raise InputError(
                f"free_bits {free_bits}: give nats a dimension, zero or more, to all or {len(sizes)} levels"
            )
        self.beta, self.observe = beta if callable(beta) else constant(beta), observe
        self.register_buffer("frequencies", None if labels is None else normalised(labels))

    def updates(self, batch: Batch) -> Iterator[Update]:
        x = batch.x if self.observe is None else self.observe(batch.x)
        if self.iteration == 0:  # later it would wait for the device at every step
            self.likelihood.check(x)
        labels = given(self.frequencies, batch.y)
        noise = [noise_like(x.new_empty(len(x), d)) for d in self.sizes]
        yield self, lambda: self.terms(x, noise, labels)

    def terms(self, x: Float[Tensor, " n *event"], noise: Sequence[Tensor], labels: dict[str, Tensor]) -> Terms:
        """What is minimised on these samples, with z of every level at this noise; `labels` is {} or {"y": (n,)}."""
        outputs, met = self._down(lambda i, p, q: _at(q, noise[i]), self.E(x, **labels), labels)
        reconstruction = -self.likelihood.log_prob(x, outputs).mean()
        divergences = [kl(v.q, v.p) for v in met if v.q is not None]
        each = zip(_names(len(self.sizes)), divergences)
        terms = {"reconstruction": reconstruction} | {name: d.sum(1).mean() for name, d in each}  # (3)
        return terms | weighting(divergences, self.beta(self.iteration), self.free_bits)

    def _down(self, pick: Pick, features: Sequence[Tensor] | None, labels: dict[str, Tensor]) -> tuple[Tensor, list]:
        """The outputs of the decoder and what was met on the way, with z of every level as it is picked."""
        met: list[Visit] = []

        def choose(prior: Tensor | None, posterior: Tensor | None) -> Tensor:
            p = None if prior is None else Posterior.of(prior)
            q = None if posterior is None else beyond(p, Posterior.of(posterior))
            met.append(Visit(pick(len(met), p, q), p, q))
            return met[-1].z

        return self.D(choose, features, **labels), met

    @torch.no_grad()
    def sample(
        self, n: int, *, generator: int | Streams | None = None, y: Labels = None, mean: bool = False
    ) -> Float[Tensor, " n *event"]:
        """Draw z of every level and then x from p(x|z), or with `mean` its mean, which has less noise than data have.

        A conditional model draws the labels too, by their frequencies, unless they are given.
        """
        source, device = streams(generator), next(self.D.parameters()).device
        noise = [source.normal(n, d, device=device) for d in self.sizes]
        if y is None and self.frequencies is not None:
            y = drawn(self.frequencies, n, source, device)
        with evaluating(self.D):
            outputs, _ = self._down(lambda i, p, _: _at(p, noise[i]), None, given(self.frequencies, y))  # (1)
        return self.likelihood.mean(outputs) if mean else self.likelihood.sample(outputs, source)

    def at(
        self, noise_z: Float[Tensor, "n d"], noise_x: Float[Tensor, " n *event"] | None = None, y: Labels = None
    ) -> Float[Tensor, " n *event"]:
        """The draw for this noise of z, of all levels from the top down, and of x given z, or the mean given z.

        Raises:
            InputError: draws of the likelihood are no smooth function of noise.
        """
        noise = noise_z.split(list(self.sizes), 1)
        with evaluating(self.D):
            outputs, _ = self._down(lambda i, p, _: _at(p, noise[i]), None, given(self.frequencies, y))
        return placed(self.likelihood, outputs, noise_x)

    @torch.no_grad()
    def encode(self, x: Float[Tensor, " n *event"], y: Labels = None) -> Posterior:
        """q(z_L|x), of the top level alone: its means are the codes of new data."""
        with evaluating(self.E):
            return Posterior.of(self.E(x, **given(self.frequencies, y))[0])

    def decode(self, z: Float[Tensor, "n d_z"], y: Labels = None) -> Float[Tensor, " n *event"]:
        """The mean of p(x|z) with z_L given and the levels below at their prior means; gradients reach z."""
        labels = given(self.frequencies, y)
        with evaluating(self.D):
            return self.likelihood.mean(self._down(lambda i, p, _: z if p is None else p.mean, None, labels)[0])

    @torch.no_grad()
    def codes(self, x: Float[Tensor, " n *event"], y: Labels = None) -> list[Tensor]:
        """z of every level from the top down, each at the mean of its posterior given those above."""
        return [v.z for v in self._met(x, y, lambda i, p, q: q.mean if q is not None else p.mean)]  # type: ignore[union-attr]

    @torch.no_grad()
    def decode_levels(self, z: Sequence[Tensor], y: Labels = None) -> Float[Tensor, " n *event"]:
        """The mean of p(x|z) with z of every level given."""
        with evaluating(self.D):
            return self.likelihood.mean(self._down(lambda i, *_: z[i], None, given(self.frequencies, y))[0])

    def reconstruct(self, x: Float[Tensor, " n *event"], y: Labels = None) -> Float[Tensor, " n *event"]:
        """The mean of p(x|z) at the posterior means of all levels: nothing is drawn."""
        return self.decode_levels(self.codes(x, y), y)

    def interpolate(
        self, a: Float[Tensor, " n *event"], b: Float[Tensor, " n *event"], steps: int = 8, y: Labels = None
    ) -> Float[Tensor, " steps n *event"]:
        """Decoder means along the straight lines between the codes of a and b at all levels, both included."""
        lines = [interpolated(*ends, steps) for ends in zip(self.codes(a, y), self.codes(b, y), strict=True)]
        return torch.stack([self.decode_levels(z, y) for z in zip(*lines, strict=True)])

    @torch.no_grad()
    def levels_kl(
        self, x: Float[Tensor, " n *event"], y: Labels = None, *, generator: int | Streams | None = 0
    ) -> Float[Tensor, "n levels"]:
        """Nats that each level carries, from the top down, with z above it drawn once: zero where it collapsed."""
        source = streams(generator)
        noise = [source.normal(len(x), d, device=x.device) for d in self.sizes]
        met = self._met(x, y, lambda i, p, q: _at(q, noise[i]))
        return torch.stack([kl(v.q, v.p).sum(1) for v in met if v.q is not None], 1)

    def _met(self, x: Tensor, y: Tensor | None, pick: Pick) -> list[Visit]:
        labels = given(self.frequencies, y)
        with evaluating(self.E), evaluating(self.D):
            return self._down(pick, self.E(x, **labels), labels)[1]

    @torch.no_grad()
    def log_prob(
        self,
        x: Float[Tensor, " n *event"],
        y: Labels = None,
        *,
        k: int = 64,
        generator: int | Streams | None = 0,
    ) -> Float[Tensor, " n"]:
        """A lower bound of log p(x), or of log p(x|y) given labels, in nats: IW_k, an estimate of the ELBO for k = 1.

        Without labels a conditional model sums over its classes. `observe` is not applied: x is taken as it is.

        Raises:
            InputError: k is below one.
        """
        source = streams(generator)
        if y is not None or self.frequencies is None:
            return self._bound(x, y, k, source)
        return over_classes(self.frequencies, x, lambda labels: self._bound(x, labels, k, source))

    def _bound(self, x: Tensor, y: Tensor | None, k: int, source: Streams) -> Tensor:
        labels = given(self.frequencies, y)
        with evaluating(self.E):
            features = self.E(x, **labels)

        def log_weight() -> Tensor:
            noise = [source.normal(len(x), d, device=x.device) for d in self.sizes]
            with evaluating(self.D):
                outputs, met = self._down(lambda i, p, q: _at(q, noise[i]), features, labels)
            ratios = [(log_prior(v.z) if v.p is None else v.p.log_prob(v.z)) - v.q.log_prob(v.z) for v in met]
            return self.likelihood.log_prob(x, outputs) + reduce(add, ratios)

        return importance_weighted(log_weight, k)  # (4)


def _at(p: Posterior | None, noise: Tensor) -> Tensor:
    return noise if p is None else p.at(noise)


def _names(levels: int) -> list[str]:
    """From the top down."""
    return [f"kl_{i}" for i in range(levels, 0, -1)] if levels > 1 else ["kl"]
