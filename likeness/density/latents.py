"""Gaussian latents: the posterior that an encoder gives, its divergence from the prior, and the weight of that.

    q(z|x) = N(μ, diag σ²),   z = μ + σ ε,   ε ~ N(0, I)                                            (1)
    KL(q ‖ N(0, I)) = ½ Σ_j (μ_j² + σ_j² − 1 − log σ_j²)                                            (2)
    free bits         Σ_j max(λ, mean over the batch of KL_j)                                       (3)
    KL(q ‖ N(m, diag s²)) = ½ Σ_j ((μ_j − m_j)²/s_j² + σ_j²/s_j² − 1 − log σ_j²/s_j²)               (4)
    IW_k(x) = E log (1/k) Σ_i p(x, z_i) / q(z_i|x),   z_i ~ q(z|x)                                  (5)

(1), (2) Diederik P. Kingma, Max Welling. Auto-Encoding Variational Bayes. 2013. https://arxiv.org/abs/1312.6114
(3) Diederik P. Kingma et al. Improving Variational Inference with Inverse Autoregressive Flow, appendix C.8. 2016.
    https://arxiv.org/abs/1606.04934
(5) Yuri Burda, Roger Grosse, Ruslan Salakhutdinov. Importance Weighted Autoencoders. 2016.
    https://arxiv.org/abs/1509.00519
Annealing: Samuel R. Bowman et al. 2016. https://arxiv.org/abs/1511.06349
Cycles: Hao Fu et al. Cyclical Annealing Schedule. 2019. https://arxiv.org/abs/1903.10145
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.errors import InputError
from likeness.ranks import batch_mean

Schedule = Callable[[int], float]  # the weight of the KL at an iteration


class Posterior(NamedTuple):
    """q(z|x) of n samples: means and log-variances, both (n, d_z)."""

    mean: Tensor
    log_variance: Tensor

    @classmethod
    def of(cls, outputs: Float[Tensor, "n twice"]) -> "Posterior":
        """An encoder's outputs, of which the first half are means."""
        mean, log_variance = outputs.chunk(2, dim=1)
        # beyond these limits exp and its gradient leave float32 while an untrained encoder still jumps
        return cls(mean, log_variance.clamp(-20, 20))

    def at(self, noise: Float[Tensor, "n d_z"]) -> Float[Tensor, "n d_z"]:
        """z for standard normal noise."""
        return self.mean + (self.log_variance / 2).exp() * noise  # (1)

    def log_prob(self, z: Float[Tensor, "n d_z"]) -> Float[Tensor, " n"]:
        """log q(z|x)"""
        away = (z - self.mean).square() * (-self.log_variance).exp()
        return -(away + self.log_variance + math.log(2 * math.pi)).sum(1) / 2


def log_prior(z: Float[Tensor, "n d_z"]) -> Float[Tensor, " n"]:
    """log N(z; 0, I)"""
    return -(z.square() + math.log(2 * math.pi)).sum(1) / 2


def kl(q: Posterior, p: Posterior | None = None) -> Float[Tensor, "n d_z"]:
    """The divergence of every dimension from p, or from N(0, 1), in nats; its sum over dimensions is the sample's."""
    if p is None:
        return (q.mean.square() + q.log_variance.exp() - 1 - q.log_variance) / 2  # (2)
    ratio = q.log_variance - p.log_variance
    return ((q.mean - p.mean).square() * (-p.log_variance).exp() + ratio.exp() - 1 - ratio) / 2  # (4)


def with_free_bits(kl: Float[Tensor, "n d_z"], nats: float) -> Float[Tensor, ""]:
    """The divergence of the batch, of which `nats` of each dimension are free: below that it is not pushed down."""
    return batch_mean(kl).clamp_min(nats).sum()  # (3)


def weighting(divergences: Sequence[Tensor], beta: float, free_bits: Sequence[float]) -> dict[str, Tensor]:
    """What β, and free bits of each level (n, d), add to their divergence in a loss: a term, or none where it is 0."""
    if beta == 1 and not any(free_bits):
        return {}
    plain = [d.sum(1).mean() for d in divergences]
    pushed = [with_free_bits(d, f) if f else p for d, p, f in zip(divergences, plain, free_bits, strict=True)]
    return {"weighting": beta * torch.stack(pushed).sum() - torch.stack(plain).sum()}


def importance_weighted(log_weight: Callable[[], Float[Tensor, " n"]], k: int) -> Float[Tensor, " n"]:
    """The bound IW_k from log p(x, z) − log q(z|x), drawn anew at each call: no more memory than one draw needs.

    Raises:
        InputError: k is below one.
    """
    if k < 1:
        raise InputError(f"k {k}: a bound needs one draw of z or more; 1 is the evidence lower bound")
    total = log_weight()
    for _ in range(k - 1):
        total = torch.logaddexp(total, log_weight())
    return total - math.log(k)  # (5)


def constant(beta: float) -> Schedule:
    """The same weight at every iteration."""
    _check(beta)
    return lambda iteration: beta


def linear(steps: int, beta: float = 1.0) -> Schedule:
    """From 0 up to β in so many steps, then β.

    Raises:
        InputError: `steps` is below one, or β below zero.
    """
    return cyclic(steps, cycles=1, rising=1.0, beta=beta)


def cyclic(steps: int, *, cycles: int = 4, rising: float = 0.5, beta: float = 1.0) -> Schedule:
    """`cycles` times from 0 up to β within `steps`, each rising for that share of the cycle and then resting at β.

    Raises:
        InputError: `steps` or `cycles` is below one, β below zero, or `rising` not in (0, 1].
    """
    _check(beta)
    if steps < 1 or cycles < 1:
        raise InputError(f"annealing in {cycles} cycles over {steps} steps: give one or more of both")
    if not 0 < rising <= 1:
        raise InputError(f"rising {rising}: the share of a cycle in which the weight rises is above 0 and at most 1")

    def weight(iteration: int) -> float:
        place = 1.0 if iteration >= steps else iteration * cycles / steps % 1
        return beta * min(1.0, place / rising)

    return weight


def interpolated(a: Float[Tensor, "n d_z"], b: Float[Tensor, "n d_z"], steps: int) -> Float[Tensor, "steps n d_z"]:
    """Points at equal distances on the straight lines from a to b, both included."""
    if steps < 2:
        raise InputError(f"steps {steps}: a line from one sample to another has two points or more")
    t = torch.linspace(0, 1, steps, device=a.device)[:, None, None]
    return a + t * (b - a)


def _check(beta: float) -> None:
    if beta < 0:
        raise InputError(f"beta {beta:g}: the weight of the KL is zero or more; 1 is the evidence lower bound")
