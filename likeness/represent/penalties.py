"""What keeps an autoencoder from learning the identity where its code is wide: penalties on the code, small functions.

    l1               Σ_j |z_j|                                                                      (1)
    activity         Σ_j ρ log ρ/ρ̂_j + (1 − ρ) log (1 − ρ)/(1 − ρ̂_j),   ρ̂_j = mean over the batch of S(z_j)   (2)
    contractive      ‖∂E/∂x‖²_F = Σ_j ‖∇_x z_j‖²                                                    (3)
    hutchinson       ‖vᵀ ∂E/∂x‖²,   v_j = ±1 by a fair coin: (3) in expectation, by one backward pass   (4)

S is the logistic function, so that codes without limits have an activity in (0, 1).

(1) Bruno Olshausen, David Field. Emergence of simple-cell receptive field properties by learning a sparse code. 1996.
    https://doi.org/10.1038/381607a0
(2) Andrew Ng. Sparse autoencoder. 2011. https://web.stanford.edu/class/cs294a/sparseAutoencoder.pdf
(3) Salah Rifai et al. Contractive Auto-Encoders: Explicit Invariance During Feature Extraction. 2011.
    https://icml.cc/2011/papers/455_icmlpaper.pdf
(4) Michael Hutchinson. A Stochastic Estimator of the Trace. 1989. https://doi.org/10.1080/03610918908812806
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.errors import InputError
from likeness.ranks import batch_mean, per_sample

Encoder = Callable[[Tensor], Tensor]  # samples (n, *event) to codes (n, …)


class Penalty(NamedTuple):
    """A term of the loss: its name, a function of (E, x, E(x)) to one value a sample or one for all, and its weight."""

    name: str
    value: Callable[[Encoder, Tensor, Tensor], Tensor]
    weight: float


def sparse(weight: float) -> Penalty:
    """Codes with few large entries.

    Raises:
        InputError: the weight is below zero.
    """
    return _weighted("sparse", lambda E, x, z: l1(z), weight)


def active(weight: float, rho: float = 0.05) -> Penalty:
    """Units that are on for a share ρ of the samples; looks at the batch as a whole.

    Raises:
        InputError: the weight is below zero, or ρ not between 0 and 1.
    """
    if not 0 < rho < 1:
        raise InputError(f"a target activity of {rho:g}: give a share above 0 and below 1, such as 0.05")
    return _weighted("activity", lambda E, x, z: activity(z, rho), weight)


def contracting(weight: float, *, exact: bool = False) -> Penalty:
    """Codes that move little when x does; `exact` needs a backward pass for each number of the code.

    Raises:
        InputError: the weight is below zero.
    """
    return _weighted("contractive", partial(_slopes, contractive if exact else hutchinson), weight)


def l1(z: Float[Tensor, "n ..."]) -> Float[Tensor, " n"]:
    return z.flatten(1).abs().sum(1)  # (1)


def activity(z: Float[Tensor, "n ..."], rho: float) -> Float[Tensor, ""]:
    hat = batch_mean(z.flatten(1).sigmoid()).clamp(1e-6, 1 - 1e-6)  # a unit that is off would cost without bound
    return (rho * (rho / hat).log() + (1 - rho) * ((1 - rho) / (1 - hat)).log()).sum()  # (2)


def contractive(E: Encoder, x: Float[Tensor, " n *event"]) -> Float[Tensor, " n"]:
    """Can be differentiated by what E is made of."""
    z, pull = _pulled(E, x)
    total = torch.zeros_like(z[:, 0])
    for j in range(z.shape[1]):
        unit = torch.zeros_like(z)
        unit[:, j] = 1
        total = total + pull(unit)[0].flatten(1).square().sum(1)  # (3)
    return total


def hutchinson(E: Encoder, x: Float[Tensor, " n *event"]) -> Float[Tensor, " n"]:
    """Of one draw of v for each sample."""
    z, pull = _pulled(E, x)
    v = per_sample(len(z), lambda n: torch.rand(n, z.shape[1], device=z.device))
    return pull(torch.where(v < 0.5, -1.0, 1.0).to(z))[0].flatten(1).square().sum(1)  # (4)


def _pulled(E: Encoder, x: Tensor) -> tuple[Tensor, Callable[[Tensor], tuple[Tensor]]]:
    """The codes, and what takes rows v to vᵀ ∂E/∂x."""
    made: Any = torch.func.vjp(lambda x: E(x).flatten(1), x)
    return made


def _slopes(norm: Callable[[Encoder, Tensor], Tensor], E: Encoder, x: Tensor, z: Tensor) -> Tensor:
    return norm(E, x)


def _weighted(name: str, value: Callable[[Encoder, Tensor, Tensor], Tensor], weight: float) -> Penalty:
    if weight < 0:
        raise InputError(f"a weight of {weight:g} of the {name} penalty: give zero or more")
    return Penalty(name, value, weight)
