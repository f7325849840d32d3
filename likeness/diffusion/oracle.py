"""The denoiser of a Gaussian mixture in closed form: what every network, rule and guidance is held against.

With Σ_k = Q Λ Qᵀ, component by component,

    p_σ(x) = Σ_k w_k N(x; m_k, Σ_k + σ² I)                                                          (1)
    E[x₀ | x] = Σ_k p(k|x) (m_k + Q Λ (Λ + σ²)⁻¹ Qᵀ (x − m_k))                                      (2)
    log p(y | x) = log Σ_{k of class y} p(k|x)                                                      (3)

Bradley Efron. Tweedie's Formula and Selection Bias. 2011. https://doi.org/10.1198/jasa.2011.tm11181
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from likeness.data.truth import Mixture
from likeness.errors import InputError


class Exact:
    """D(x, σ) = E[x₀ | x] of a mixture of Gaussians, each row with a level of its own."""

    def __init__(self, truth: Mixture) -> None:
        k, d = truth.means.shape
        L = truth.scales if isinstance(truth.scales, Tensor) else truth.scales * torch.eye(d).expand(k, d, d)
        self.truth = truth
        variance, self.Q = torch.linalg.eigh((L @ L.mT).double())
        self.variance, self.means, self.share = variance, truth.means.double(), truth.share.double()

    def __call__(self, x: Float[Tensor, "n d"], sigma: Float[Tensor, " n"]) -> Float[Tensor, "n d"]:
        log_joint, along, wide = self._along(x, sigma)
        shrunk = along * (self.variance.to(x.device)[:, None] / wide)
        means = self.means.to(x.device)[:, None] + torch.einsum("kij,knj->kni", self.Q.to(x.device), shrunk)
        return (log_joint.softmax(0)[..., None] * means).sum(0).to(x.dtype)  # (2)

    def log_prob(self, x: Float[Tensor, "n d"], sigma: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        """log p_σ(x) in nats."""
        return self._along(x, sigma)[0].logsumexp(0).to(x.dtype)  # (1)

    def log_class(
        self, x: Float[Tensor, "n d"], sigma: Float[Tensor, " n"], y: Int[Tensor, " n"]
    ) -> Float[Tensor, " n"]:
        """log p(y|x) of noisy samples, for mixtures with classes.

        Raises:
            InputError: the mixture has no classes.
        """
        if self.truth.labels is None:
            raise InputError("this mixture has no classes: give its components labels")
        log_joint = self._along(x, sigma)[0]
        of_class = self.truth.labels.to(x.device)[:, None] == y[None]
        inside = log_joint.masked_fill(~of_class, -math.inf).logsumexp(0)
        return (inside - log_joint.logsumexp(0)).to(x.dtype)  # (3)

    def _along(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """log w_k N(x; m_k, Σ_k + σ²), (k, n); Qᵀ (x − m_k), (k, n, d); and the variances along those axes."""
        away = x.double()[None] - self.means.to(x.device)[:, None]
        along = torch.einsum("kij,kni->knj", self.Q.to(x.device), away)
        wide = self.variance.to(x.device)[:, None] + sigma.double()[None, :, None].square()
        log_normal = -(along.square() / wide + wide.log() + math.log(2 * math.pi)).sum(2) / 2
        return log_normal + self.share.to(x.device).log()[:, None], along, wide
