"""What the adversarial objective measures when the critic is optimal: identities on densities over a grid.

    V(D) = E_p[log D] + E_q[log(1 − D)]                                                             (1)
    D* = p / (p + q) = σ(log p − log q)          maximises V                                        (2)
    V(D*) = −log 4 + 2 JSD(p, q)                                                                    (3)
    JSD(p, q) = ½ KL(p ‖ m) + ½ KL(q ‖ m),   m = ½ (p + q),   0 ≤ JSD ≤ log 2                       (4)
    KL(p ‖ q) = ∫ p log(p / q)                                                                      (5)

p is the data, q the model. Half the sum in (4) is a density again, which the plain sum is not; that is where the
log 4 comes from. (4) is not Jeffreys' symmetric KL(p ‖ q) + KL(q ‖ p). Densities are float64 on a uniform grid of
step dx; integrals are Riemann sums. `fit_gaussian` finds the single Gaussian nearest to p in a divergence, which
shows how KL covers all modes, reverse KL seeks one, and JSD does either, by how far apart the modes are.

(1–4) Ian Goodfellow et al. Generative Adversarial Networks. 2014. https://arxiv.org/abs/1406.2661
(5) Ferenc Huszár. How (not) to train your generative model. 2015. https://arxiv.org/abs/1511.05101
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import logsigmoid

Density = Float[Tensor, " g"]
Divergence = Callable[[Tensor, Tensor, float], float]


def optimal_critic(p: Density, q: Density) -> Density:
    """D* as a logit, log p − log q: its sigmoid is the probability of being data. Zero where both vanish."""
    return torch.where(p + q > 0, p.log() - q.log(), 0.0)  # (2)


def value(logit: Density, p: Density, q: Density, dx: float) -> float:
    """V of any critic, given by its logits on the grid."""
    on_data = torch.where(p > 0, p * logsigmoid(logit), 0.0)
    on_model = torch.where(q > 0, q * logsigmoid(-logit), 0.0)
    return float((on_data + on_model).sum() * dx)  # (1)


def kl(p: Density, q: Density, dx: float) -> float:
    """KL(p ‖ q) in nats; infinite where q vanishes and p does not."""
    return float((torch.xlogy(p, p) - torch.xlogy(p, q)).sum() * dx)  # (5)


def reverse_kl(p: Density, q: Density, dx: float) -> float:
    """KL(q ‖ p), as a function of the data first."""
    return kl(q, p, dx)


def jsd(p: Density, q: Density, dx: float) -> float:
    """Jensen–Shannon divergence in nats."""
    m = 0.5 * (p + q)
    return 0.5 * kl(p, m, dx) + 0.5 * kl(q, m, dx)  # (4)


def value_at_optimum(p: Density, q: Density, dx: float) -> float:
    """The right-hand side of the identity; `value(optimal_critic(p, q), p, q, dx)` is its left."""
    return -math.log(4) + 2 * jsd(p, q, dx)  # (3)


def gaussian(x: Density, mean: float, std: float) -> Density:
    """The normal density on the grid, bounded away from zero so that reverse KL stays finite."""
    density = torch.exp(-0.5 * ((x - mean) / std) ** 2) / (std * math.sqrt(2 * math.pi))
    return density.clamp(min=1e-300)


class Fit(NamedTuple):
    """The nearest Gaussian and how far it is from the data, in nats."""

    mean: float
    std: float
    divergence: float


def fit_gaussian(divergence: Divergence, p: Density, x: Density) -> Fit:
    """The Gaussian q of least divergence(p, q, dx): Nelder–Mead from several starts, the best of them."""
    from scipy.optimize import minimize

    dx = float(x[1] - x[0])
    mean = float((x * p).sum() * dx)
    std = math.sqrt(float(((x - mean) ** 2 * p).sum() * dx))

    def objective(at: np.ndarray) -> float:
        return divergence(p, gaussian(x, at[0], math.exp(at[1])), dx)

    starts = [(mean + k * std, math.log(std * s)) for k in (-1, 0, 1) for s in (0.4, 1.0)]
    options = {"xatol": 1e-6, "fatol": 1e-12}
    best = min((minimize(objective, s, method="Nelder-Mead", options=options) for s in starts), key=lambda r: r.fun)
    return Fit(float(best.x[0]), math.exp(best.x[1]), float(best.fun))
