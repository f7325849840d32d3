"""Does the posterior carry anything: nats of each latent, active units, and whether their whole agrees with the prior.

    rate        KL_j = mean over x of KL(q(z_j|x) ‖ N(0, 1))                                        (1)
    active      A_j = Var_x(E_q[z_j|x]) > 0.01                                                      (2)
    aggregate   q(z) = mean over x of q(z|x),  whose mean m and covariance S are known;
                KL(q(z) ‖ N(0, I)) ≥ KL(N(m, S) ‖ N(0, I)) = ½ (tr S + |m|² − d − log det S)        (3)

What is drawn starts from the prior, so where q(z) is elsewhere the decoder is asked for what it never learned. (3) is
what can be told without a density of q(z): its first two moments.

(1), (3) Matthew D. Hoffman, Matthew J. Johnson. ELBO surgery. 2016.
    http://approximateinference.org/accepted/HoffmanJohnson2016.pdf
(2) Yuri Burda, Roger Grosse, Ruslan Salakhutdinov. Importance Weighted Autoencoders, section 5.2. 2016.
    https://arxiv.org/abs/1509.00519
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from likeness.density.latents import Posterior, kl
from likeness.findings import Finding

COLLAPSED = 0.05  # nats a sample: so little cannot tell one sample from another
FAR = 0.2  # nats a used latent by which the moments of q(z) may differ from the prior's


class Use(NamedTuple):
    """What the latents of a model carry, on the samples that were encoded.

    Attributes:
        rate: nats of each latent (1).
        active: which latents move with x (2).
        gap: nats by which the moments of the aggregate posterior differ from the prior's (3).
    """

    rate: Float[Tensor, " d_z"]
    active: Bool[Tensor, " d_z"]
    gap: float

    @property
    def nats(self) -> float:
        return float(self.rate.sum())


def use(q: Posterior) -> Use:
    """What the latents carry, given the posteriors of many samples."""
    return Use(rate(q), active(q), float(aggregate_gap(q)))


def rate(q: Posterior) -> Float[Tensor, " d_z"]:
    """Nats of each latent."""
    return kl(q).mean(0)  # (1)


def active(q: Posterior, threshold: float = 0.01) -> Bool[Tensor, " d_z"]:
    """Which latents have a mean that differs from sample to sample."""
    return q.mean.var(0, correction=0) > threshold  # (2)


def aggregate_gap(q: Posterior) -> Float[Tensor, ""]:
    """A lower bound of the divergence of the aggregate posterior from the prior, in nats."""
    m = q.mean.double().mean(0)
    away = q.mean.double() - m
    S = away.T @ away / len(away) + q.log_variance.double().exp().mean(0).diag()
    return ((S.trace() + m.square().sum() - len(m) - torch.logdet(S)) / 2).to(q.mean.dtype)  # (3)


def findings(found: Use, *, sigma: float | None = None, largest: float | None = None) -> list[Finding]:
    """What is wrong, in words.

    Args:
        sigma: the decoder's effective σ (`conversion.effective_sigma`), to name the cause of a collapse.
        largest: the largest principal variance of the data (`conversion.principal_variances`).
    """
    if found.nats < COLLAPSED:
        return [collapsed(found.nats, sigma, largest)]
    told, n, d = [], int(found.active.sum()), len(found.active)
    if 2 * n < d:
        saw = f"{n} of {d} latents are used; they carry {found.nats:.3g} nats a sample."
        remedy = "This does no harm, but d_z may be smaller; for more detail lower σ or β, or use free bits."
        told.append(Finding("unused-latents", saw, remedy))
    if found.gap > FAR * max(n, 1):
        saw = f"Codes of data are not spread as the prior is: mean and covariance alone differ by {found.gap:.3g} nats."
        told.append(Finding("aggregate-posterior", saw, "Draws start where nothing was learned: raise σ or β."))
    return told


def collapsed(nats: float, sigma: float | None = None, largest: float | None = None) -> Finding:
    """The alarm of a posterior that has become the prior."""
    saw = f"The posterior has collapsed: the latents carry {nats:.2g} nats a sample, so every draw is the mean sample."
    if sigma is not None and largest is not None and sigma**2 > largest:
        saw += f" The decoder's σ = {sigma:.3g} exceeds the spread of the data's widest direction, {largest**0.5:.3g}."
        remedy = "Sum the squared error over dimensions instead of averaging it, or lower σ or β."
    else:
        remedy = "Lower β or σ, raise the weight of the KL from zero (warm-up), or give each latent free bits."
    return Finding("posterior-collapse", saw, remedy)


def collapsed_levels(nats: Sequence[float]) -> list[Finding]:
    """The alarm of a hierarchy, given the nats of each level from the top down: which of them carry nothing."""
    if sum(nats) < COLLAPSED:
        return [collapsed(sum(nats))]
    empty = [len(nats) - i for i, rate in enumerate(nats) if rate < COLLAPSED]
    if not empty:
        return []
    which = " and ".join(f"{i}{' (the top)' if i == len(nats) else ''}" for i in empty)
    saw = f"Of {len(nats)} levels of latents, level {which} has collapsed: less than {COLLAPSED} nats a sample."
    remedy = "Raise the weight of the KL from zero more slowly, give each latent free bits, or use fewer levels."
    return [Finding("level-collapse", saw, remedy)]
