"""How likely a decoder finds samples: log p(x) by annealed importance sampling from the prior to each posterior.

    p(x) = ∫ p(x|z) p(z) dz:   f₀ = p(z) (or q(z|x), nearer),   f₁ = p(z) p(x|z),   Z₁/Z₀ = p(x)      (1)
    of simulated x, whose z is a draw of p(z|x): chains back from z bound log p(x) from above         (2)

It needs no encoder, so that models which train without one (WAE, GAN) have a likelihood too, once somebody says what
noise a Gaussian around the decoder's output has: the number is of that σ, which is to be stated with it. With an
encoder, ELBO ≤ IW_k ≤ log p(x), and what this finds above them is the encoder's gap and not the decoder's.

Yuhuai Wu, Yuri Burda, Ruslan Salakhutdinov, Roger Grosse. On the Quantitative Analysis of Decoder-Based Generative
Models. 2017. https://arxiv.org/abs/1611.04273
(2) Roger B. Grosse, Zoubin Ghahramani, Ryan P. Adams. Sandwiching the marginal likelihood using bidirectional Monte
    Carlo. 2015. https://arxiv.org/abs/1511.02543
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.annealing import Bridge, annealed, log_mean_weight, schedule, tuned
from likeness.density.latents import Posterior, log_prior
from likeness.density.likelihoods import gaussian
from likeness.errors import InputError
from likeness.sampling import Streams, streams

LogLikelihood = Callable[[Tensor, Tensor], Tensor]  # samples (m, *event) and latents (m, d_z) to log p(x|z), (m,)


class Evidence(NamedTuple):
    """log p(x) of each sample in nats: what is likely too low, and for simulated samples what is likely too high."""

    lower: Float[Tensor, " n"]
    upper: Float[Tensor, " n"] | None = None


def gaussian_around(decode: Callable[[Tensor], Tensor], sigma: float) -> LogLikelihood:
    """Gaussian noise of standard deviation σ around a decoder's output, for decoders that have none of their own.

    Raises:
        InputError: σ is not above zero.
    """
    if sigma <= 0:
        raise InputError(f"sigma {sigma:g}: a decoder without noise gives every sample no density; try 0.1")
    return lambda x, z: gaussian(x, decode(z), torch.tensor(sigma, device=z.device)).flatten(1).sum(1)


def evidence(
    log_likelihood: LogLikelihood,
    x: Float[Tensor, " n *event"],
    *,
    d_z: int,
    q: Posterior | None = None,
    z: Float[Tensor, "n d_z"] | None = None,
    chains: int = 16,
    temperatures: int = 500,
    leapfrogs: int = 10,
    generator: int | Streams | None = 0,
) -> Evidence:
    """log p(x) by annealed chains, all of them at once.

    Args:
        q: where the chains start, if not at the prior: q(z|x) of these samples.
        z: the latents that these samples were drawn from p(x|z) at, for the upper bound.
        chains: for each sample; their weights are averaged.
        temperatures: steps from one end to the other. More of either make the bounds tighter.

    Raises:
        InputError: fewer than one chain or temperature.
    """
    if chains < 1:
        raise InputError(f"{chains} chains: give one or more")
    betas, source = schedule(temperatures), streams(generator)
    few = _bridge(log_likelihood, x, q, 1)
    start = _starts(len(x), d_z, q, source.split("trial"), x.device)
    sizes = tuned(few, start, betas, source.split("trial", "steps"), leapfrogs=leapfrogs).repeat_interleave(chains, 1)
    many, rows = _bridge(log_likelihood, x, q, chains), partial(_repeated, chains=chains)
    start = _starts(len(x) * chains, d_z, None if q is None else Posterior(*map(rows, q)), source, x.device)
    _, log_w = annealed(many, start, betas, sizes, source.split("steps"), leapfrogs=leapfrogs)
    lower = log_mean_weight(log_w.unflatten(0, (-1, chains)))
    if z is None:
        return Evidence(lower)
    _, back = annealed(many, rows(z), betas[::-1], sizes.flip(0), source.split("back"), leapfrogs=leapfrogs)  # (2)
    return Evidence(lower, -log_mean_weight(back.unflatten(0, (-1, chains))))


def _bridge(log_likelihood: LogLikelihood, x: Tensor, q: Posterior | None, chains: int) -> Bridge:
    x = _repeated(x, chains)
    first = log_prior if q is None else Posterior(*(_repeated(part, chains) for part in q)).log_prob
    return Bridge(first, lambda z: log_prior(z) + log_likelihood(x, z))  # (1)


def _starts(m: int, d_z: int, q: Posterior | None, source: Streams, device: torch.device) -> Tensor:
    noise = source.normal(m, d_z, device=device)
    return noise if q is None else q.at(noise)


def _repeated(x: Tensor, chains: int) -> Tensor:
    return x.repeat_interleave(chains, 0)
