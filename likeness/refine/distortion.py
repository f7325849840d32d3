"""What a filter does to the distribution, in numbers, and the filter that does the least.

Proposals x ~ p_g are kept with probability a(x); what is kept has the density q ∝ a p_g. With the ratio
r = p_d / p_g, the divergence from what was wanted is

    KL(p_d ‖ q) = log E_g[a] − E_g[r log a] + E_g[r log r]              (1)

A person can afford `budget` proposals a draw, E_g[a] = 1 / budget. The least divergence among all such a is at

    a(x) = min(1, c r(x)),    c with E_g[a] = 1 / budget                (2)

Proof. E_g[a] and E_g[r log r] are given, so by (1) it is E_g[r log a] that has to be largest: a concave function
of a. Its Lagrangian E_g[r log a − λ a] is an integral of r log a − λ a, which on (0, 1] is largest at
a = min(1, r / λ), point by point; c = 1 / λ.  ∎

Where c r ≤ 1 everywhere, q = p_d: exact rejection sampling. A ratio that is off by a factor only changes c. The weights
of what is kept are those of truncated importance sampling, which bounds the harm that a few wild ratios do.

Edward L. Ionides. Truncated Importance Sampling. 2008. https://doi.org/10.1198/106186008X320456
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor


class Distortion(NamedTuple):
    """How far the kept samples are from what was wanted, provided that the ratio is right; KL in nats, TV in [0, 1].

    `kl_raw` and `tv_raw` are those of the proposals as they come. `effective` is the effective number of the
    `n` proposals that carry these estimates, (Σr)² / Σr²; with few of them the estimates are too low.
    """

    exact: bool
    kl: float
    tv: float
    kl_raw: float
    tv_raw: float
    effective: float
    n: int


def log_scale(d: Float[Tensor, " n"], budget: int | float) -> float:
    """log c of (2) for proposals with log ratios `d`: exact, as the mean of min(1, c r) is piecewise linear in c.

    With the k largest ratios clipped, the mean is (k + c S_k) / n, where S_k is the sum of the others; k is the first
    at whose edge, c = 1 / r_k, the mean reaches 1 / budget.
    """
    n = len(d)
    d = d[d > -math.inf].double().sort(descending=True).values
    wanted = min(n / budget, len(d))
    rest = d.flip(0).logcumsumexp(0).flip(0)  # log Σ of r_k and of all below
    sums = torch.arange(len(d), device=d.device) + torch.exp(rest - d)  # Σ min(1, r / r_k), which grows with k
    clipped = int((sums < wanted).sum())
    return math.log(wanted - clipped) - float(rest[clipped])  # (2)


def distortion(d: Float[Tensor, " n"], log_a: Float[Tensor, " n"]) -> Distortion:
    """What keeping with probability exp(log_a) does, estimated from proposals with log ratios `d`."""
    log_w, log_q = d.double().log_softmax(0), log_a.double().log_softmax(0)
    even = torch.full_like(log_w, -math.log(len(d)))
    kl, tv = _divergences(log_w, log_q)
    kl_raw, tv_raw = _divergences(log_w, even)
    return Distortion(kl < 1e-9, kl, tv, kl_raw, tv_raw, float(torch.exp(-(2 * log_w).logsumexp(0))), len(d))


def _divergences(log_p: Tensor, log_q: Tensor) -> tuple[float, float]:
    p = log_p.exp()
    kl = torch.where(p > 0, p * (log_p - log_q), 0.0).sum()  # (1)
    return max(float(kl), 0.0), float((p - log_q.exp()).abs().sum() / 2)
