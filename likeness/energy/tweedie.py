"""Tweedie's formula: the best guess of what lies behind a noisy sample is a step along the score of noisy samples.

    y = x + σ ε,   ε ~ N(0, I);    E[x | y] = y + σ² ∇ log p_σ(y)                                   (1)
    ∇ log p_σ(y) = (E[x | y] − y) / σ²                                                              (2)
    Cov[x | y] = σ² (I + σ² ∇² log p_σ(y))                                                          (3)

For p = Σ_k w_k N(m_k, Σ_k) the posterior p(x | y) is a mixture again, all of it in closed form:

    w_k(y) ∝ w_k N(y; m_k, Σ_k + σ² I),   m_k(y) = m_k + Σ_k (Σ_k + σ² I)⁻¹ (y − m_k)               (4)
    C_k = Σ_k − Σ_k (Σ_k + σ² I)⁻¹ Σ_k                                                              (5)

E[x | y] has the least squared error; the highest point of p(x | y) is another place, and where y lies between two modes
the mean may lie where nothing is.

Herbert Robbins. An Empirical Bayes Approach to Statistics. 1956. https://projecteuclid.org/euclid.bsmsp/1200501653
Koichi Miyasawa. An empirical Bayes estimator of the mean of a normal population. 1961.
Bradley Efron. Tweedie's Formula and Selection Bias. 2011. https://doi.org/10.1198/jasa.2011.tm11181
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.data.truth import Mixture
from likeness.energy.denoising import wide
from likeness.energy.score_matching import Score, jacobian
from likeness.errors import InputError

SHIFTS = 200  # of a search for the highest point, which moves by shares of what is left


def denoise(s: Score, y: Float[Tensor, " n *event"], sigma: float | Float[Tensor, " n"]) -> Float[Tensor, " n *event"]:
    """E[x | y] by the score of noisy samples."""
    return y + wide(sigma, y) ** 2 * s(y)  # (1)


def score_of(
    denoised: Float[Tensor, " n *event"], y: Float[Tensor, " n *event"], sigma: float | Float[Tensor, " n"]
) -> Float[Tensor, " n *event"]:
    """The score of noisy samples by E[x | y]: the other way round."""
    return (denoised - y) / wide(sigma, y) ** 2  # (2)


@torch.no_grad()
def posterior_covariance(s: Score, y: Float[Tensor, " n *event"], sigma: float) -> Float[Tensor, "n d d"]:
    """Cov[x | y], what denoising leaves open, by the score of noisy samples: d back-propagations."""
    _, J = jacobian(s, y)
    return sigma**2 * (torch.eye(J.shape[1]).to(J) + sigma**2 * J)  # (3)


class Posterior(NamedTuple):
    """p(x | y) of each row: a mixture with weights, means, and covariances that no y changes."""

    w: Float[Tensor, "n k"]
    m: Float[Tensor, "n k d"]
    C: Float[Tensor, "k d d"]

    @property
    def mean(self) -> Float[Tensor, "n d"]:
        return torch.einsum("nk,nkd->nd", self.w, self.m)

    @property
    def covariance(self) -> Float[Tensor, "n d d"]:
        away = self.m - self.mean[:, None]
        return torch.einsum("nk,kij->nij", self.w, self.C) + torch.einsum("nk,nki,nkj->nij", self.w, away, away)

    def log_prob(self, x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        return self._each(x).logsumexp(1)

    def mode(self) -> Float[Tensor, "n d"]:
        """The highest point, found from every component's mean: each step is to the top of a bound below."""
        precision, found = torch.linalg.inv(self.C), []
        for start in self.m.unbind(1):
            x = start
            for _ in range(SHIFTS):
                r = self._each(x).softmax(1)
                pull = torch.einsum("nk,kij,nkj->ni", r, precision, self.m)
                x = torch.linalg.solve(torch.einsum("nk,kij->nij", r, precision), pull)
            found.append(x)
        tops = torch.stack(found)
        best = torch.stack([self.log_prob(x) for x in tops]).argmax(0)
        return tops[best, torch.arange(len(best))]

    def _each(self, x: Tensor) -> Tensor:
        """log w_k N(x; m_k, C_k), (n, k)."""
        normal = torch.distributions.MultivariateNormal(self.m, self.C, validate_args=False)
        return self.w.log() + normal.log_prob(x[:, None])


def posterior(truth: Mixture, y: Float[Tensor, "n d"], sigma: float) -> Posterior:
    """p(x | y) where x is of a mixture of Gaussians, in the precision of y.

    Raises:
        InputError: σ is not above zero.
    """
    if not sigma > 0:
        raise InputError(f"sigma {sigma:g}: a posterior is of noise with a standard deviation above zero")
    m, share, (k, d) = truth.means.to(y), truth.share.to(y), truth.means.shape
    one = torch.eye(d).to(y)
    L = truth.scales.to(y) if isinstance(truth.scales, Tensor) else truth.scales * one.expand(k, d, d)
    S = L @ L.mT
    noisy = S + sigma**2 * one
    gain = torch.linalg.solve(noisy, S).mT  # Σ (Σ + σ² I)⁻¹
    normal = torch.distributions.MultivariateNormal(m, noisy, validate_args=False)
    w = (share.log() + normal.log_prob(y[:, None])).softmax(1)
    means = m + torch.einsum("kij,nkj->nki", gain, y[:, None] - m)  # (4)
    C = S - gain @ S  # (5)
    return Posterior(w, means, (C + C.mT) / 2)
