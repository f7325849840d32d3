"""A mixture of Gaussians, learned by expectation–maximisation.

    p(x) = Σₖ wₖ N(x; mₖ, Cₖ)                                                         (1)

EM is a step along the gradient of L = −E log p(x) with a matrix of its own before each parameter, so it is an
optimiser like any other: it needs nothing but the gradients, and the shares r̄ₖ = E rₖ(x) of the components are in them.

    r̄ₖ = −wₖ ∂L/∂wₖ                                                                   (2)
    mₖ' = mₖ − Cₖ ∂L/∂mₖ / r̄ₖ                                                         (3)
    Cₖ' = Cₖ − 2 Cₖ ∂L/∂Cₖ Cₖ / r̄ₖ − (mₖ' − mₖ)(mₖ' − mₖ)ᵀ                            (4)

On the whole training set a step is the classical one, on a part of it one of stochastic EM (Cappé and Moulines 2009,
https://arxiv.org/abs/0712.4273), which moves the statistics by a share that falls with the steps. scikit-learn makes
the start, and the number of components, by the Bayesian information criterion on the first batch.

Lei Xu, Michael I. Jordan. On Convergence Properties of the EM Algorithm for Gaussian Mixtures. 1996.
https://doi.org/10.1162/neco.1996.8.1.129
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor, nn
from torch.optim import Optimizer

from likeness.core import Method, Update
from likeness.data.batch import Batch
from likeness.errors import InputError
from likeness.ranks import gather
from likeness.sampling import Streams, streams

Moments = tuple[Tensor, Tensor, Tensor]  # shares (k,), means (k, d), covariances (k, d, d)
FORGOTTEN = 1e-12  # a component with a smaller share of the data stays where it is


class Form(NamedTuple):
    """A family of covariances: scikit-learn's name, and the member nearest to any covariances (w, C) in likelihood."""

    name: str
    project: Callable[[Tensor, Tensor], Tensor]


def _tied(w: Tensor, C: Tensor) -> Tensor:
    return torch.einsum("k,kij->ij", w, C).expand_as(C)


def _diagonal(w: Tensor, C: Tensor) -> Tensor:
    return C.diagonal(dim1=1, dim2=2).diag_embed()


def _spherical(w: Tensor, C: Tensor) -> Tensor:
    return C.diagonal(dim1=1, dim2=2).mean(1)[:, None, None] * torch.eye(C.shape[1]).to(C)


full = Form("full", lambda w, C: C)
tied = Form("tied", _tied)
diagonal = Form("diag", _diagonal)
spherical = Form("spherical", _spherical)
FORMS = {"full": full, "tied": tied, "diagonal": diagonal, "spherical": spherical}


def log_density(
    x: Float64[Tensor, "n d"], w: Float64[Tensor, " k"], m: Float64[Tensor, "k d"], C: Float64[Tensor, "k d d"]
) -> Float64[Tensor, " n"]:
    """Nats of each sample; components of no weight add nothing."""
    L = torch.linalg.cholesky(C)
    z = torch.linalg.solve_triangular(L, (x - m[:, None]).mT, upper=False)  # k d n
    volume = L.diagonal(dim1=1, dim2=2).log().sum(1) + x.shape[1] / 2 * math.log(2 * math.pi)
    return torch.logsumexp((w.clamp_min(1e-300).log() - volume)[:, None] - z.square().sum(1) / 2, dim=0)  # (1)


class Mixture(Method):
    """A mixture for vectors (n, d), moved by `EM`.

    Args:
        orders: numbers of components, of which the first batch decides; it should be large, best all data there are.
        form: a row of `FORMS`.
        floor: added to the variances at each step, so that no component shrinks onto a sample.
        tries: starts of which the likeliest is taken, for each order.

    Raises:
        InputError: no order, or one below one; the first batch has fewer samples than components.
    """

    log_prob_kind = "exact"

    def __init__(
        self,
        d: int,
        orders: Sequence[int] = (8,),
        *,
        form: Form = full,
        floor: float = 1e-6,
        tries: int = 3,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if not orders or min(orders) < 1:
            raise InputError(f"components {list(orders)}: give numbers of one or more")
        self.orders, self.form, self.floor, self.tries, self.seed = tuple(orders), form, floor, tries, seed
        k = max(orders)
        self.w = nn.Parameter(torch.full((k,), 1 / k, dtype=torch.float64))
        self.m = nn.Parameter(torch.zeros(k, d, dtype=torch.float64))
        self.C = nn.Parameter(torch.eye(d, dtype=torch.float64).repeat(k, 1, 1))

    def updates(self, batch: Batch) -> Iterator[Update]:
        if self.iteration == 0:
            self.start(gather(batch.x))
        yield self, lambda: {"nll": -self._nats(batch.x).mean()}

    @torch.no_grad()
    def start(self, x: Float[Tensor, "n d"]) -> None:
        """scikit-learn's mixture of the order that is best by the Bayesian information criterion."""
        found = best_by_bic(
            x.double().cpu().numpy(), self.orders, self.form, floor=self.floor, tries=self.tries, seed=self.seed
        )
        self.w.zero_()
        for parameter, values in ((self.w, found.weights_), (self.m, found.means_), (self.C, covariances(found))):
            parameter[: len(values)] = torch.from_numpy(values).to(parameter)

    @property
    def components(self) -> int:
        """How many components have weight."""
        return int((self.w > FORGOTTEN).sum())

    def log_prob(self, x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """Nats, exact."""
        return self._nats(x).to(x.dtype)

    def _nats(self, x: Tensor) -> Tensor:
        return log_density(x.double(), self.w, self.m, self.C)

    @torch.no_grad()
    def sample(self, n: int, *, generator: int | Streams | None = None) -> Float[Tensor, "n d"]:
        source, edges = streams(generator), self.w.cumsum(0)
        u = source.uniform(n, device=self.w.device) * edges[-1]
        k = torch.bucketize(u.double(), edges).clamp_max(self.components - 1)
        z = source.normal(n, self.m.shape[1], device=self.w.device).double()
        return (self.m[k] + torch.einsum("nij,nj->ni", torch.linalg.cholesky(self.C)[k], z)).float()


class EM(Optimizer):
    """Moves a `Mixture`; the gradients are those of the mean of −log p(x).

    Args:
        lr: the share of the new statistics at the first step; 1 is EM itself.
        decay: at step t it is lr / t^decay; above ½ and at most 1 for batches that are parts of the data, 0 for all.
    """

    def __init__(self, mixture: Mixture, *, lr: float = 1.0, decay: float = 0.0) -> None:
        if not 0 < lr <= 1:
            raise InputError(f"lr {lr}: the share of the new statistics is above 0 and at most 1")
        super().__init__([mixture.w, mixture.m, mixture.C], {"lr": lr})
        self.mixture, self.decay = mixture, decay

    def step(self, closure: Callable[[], Tensor]) -> Tensor:  # type: ignore[override]
        loss = closure()
        method = self.mixture
        rho = self.param_groups[0]["lr"] / (1 + method.iteration) ** self.decay
        players = (method.w, method.m, method.C)
        old = method.w.detach(), method.m.detach(), method.C.detach()
        share, mean, spread = expected(old, tuple(p.grad for p in players))  # type: ignore[arg-type]
        floor = method.floor * torch.eye(mean.shape[1]).to(mean)
        w, m, C = blended(old, (share, mean, spread + floor), rho)
        method.w.data.copy_(w)
        method.m.data.copy_(m)
        method.C.data.copy_(method.form.project(w, C))
        return loss


def expected(old: Moments, gradients: Moments) -> Moments:
    """Share, mean and covariance of the data that each component answers for, from the gradients of −E log p(x)."""
    (w, m, C), (dw, dm, dC) = old, gradients
    r = -w * dw  # (2)
    known = r > FORGOTTEN
    each = torch.where(known, r, 1.0)[:, None]
    away = -torch.einsum("kij,kj->ki", C, dm) / each  # (3)
    dC = (dC + dC.mT) / 2
    new = C - 2 * C @ dC @ C / each[..., None] - away[:, :, None] * away[:, None, :]  # (4)
    return (
        torch.where(known, r, 0.0),
        torch.where(known[:, None], m + away, m),
        torch.where(known[:, None, None], (new + new.mT) / 2, C),
    )


def blended(old: Moments, new: Moments, rho: float) -> Moments:
    """Moments of a share 1 − ρ of the old and ρ of the new data."""
    a, b = (1 - rho) * old[0], rho * new[0]
    w = a + b
    share = torch.where(w > 0, b / w.clamp_min(1e-300), 0.0)[:, None]
    away = new[1] - old[1]
    spread = (share * (1 - share))[..., None] * away[:, :, None] * away[:, None, :]
    C = old[2] + share[..., None] * (new[2] - old[2]) + spread
    return w / w.sum(), old[1] + share * away, C


def best_by_bic(x: np.ndarray, orders: Sequence[int], form: Form, *, floor: float, tries: int, seed: int) -> Any:
    """scikit-learn's mixtures of these orders, the one of the lowest Bayesian information criterion.

    Raises:
        InputError: there are fewer samples than components.
    """
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    if len(x) < max(orders):
        raise InputError(f"{max(orders)} components for {len(x)} samples: use fewer, or a larger first batch")
    options = {"covariance_type": form.name, "reg_covar": floor, "n_init": tries, "random_state": seed}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # EM goes on from there
        fits = [GaussianMixture(k, **options).fit(x) for k in orders]
    return min(fits, key=lambda fit: fit.bic(x))


def covariances(found: Any) -> np.ndarray:
    """The covariances of scikit-learn's mixture as (k, d, d), whatever their form."""
    (k, d), C = found.means_.shape, found.covariances_
    if found.covariance_type == "full":
        return C
    if found.covariance_type == "tied":
        return np.broadcast_to(C, (k, d, d)).copy()
    return np.eye(d) * (C[:, :, None] if found.covariance_type == "diag" else C[:, None, None])
