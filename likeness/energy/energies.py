"""Energies: a density up to its constant, p(x) = e^{−E(x)} / Z, as any module or function x (n, *event) → (n,).

    s(x) = ∇ log p(x) = −∇ E(x)                      Z is gone, and with it any constant added to E    (1)
    log p(a)/p(b) = E(b) − E(a)                                                                        (2)
    product of densities    E = Σ_k E_k                                                                (3)
    mixture of densities    E = −log Σ_k w_k e^{−E_k}        of normalised ones, or with w_k / Z_k     (4)
    given y                 E(x | y) = E(x, y)                                                         (5)
    temperature T           E / T                                                                      (6)

Yann LeCun, Sumit Chopra, Raia Hadsell, Marc'Aurelio Ranzato, Fu Jie Huang. A Tutorial on Energy-Based Learning. 2006.
http://yann.lecun.com/exdb/publis/pdf/lecun-06.pdf
(3), (4) Yilun Du, Shuang Li, Igor Mordatch. Compositional Visual Generation with Energy Based Models. 2020.
    https://arxiv.org/abs/2004.06030
"""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.chains.state import state
from likeness.errors import InputError

Energy = Callable[[Tensor], Tensor]  # samples (n, *event) to (n,), differentiable


def valued(energy: Energy, x: Float[Tensor, " n *event"]) -> Float[Tensor, " n"]:
    """E(x).

    Raises:
        InputError: the energy gives something else than one number a sample.
    """
    found = energy(x)
    if found.shape != x.shape[:1]:
        raise InputError(
            f"the energy gave shape {tuple(found.shape)} for {len(x)} samples: an energy is one number a sample, "
            "(n,); sum over what is left, or squeeze it"
        )
    return found


def log_density(energy: Energy) -> Energy:
    """log p up to its constant, as chains walk over it."""
    return lambda x: -valued(energy, x)


def score(energy: Energy, x: Float[Tensor, " n *event"]) -> Float[Tensor, " n *event"]:
    """∇ log p(x) of every sample at once; no graph is left of it.

    Raises:
        InputError: the energy gives something else than one number a sample.
    """
    return state(log_density(energy), x).slope  # (1)


def log_ratio(energy: Energy, a: Float[Tensor, " n *event"], b: Float[Tensor, " n *event"]) -> Float[Tensor, " n"]:
    """log p(a)/p(b): how much more probable a is."""
    return valued(energy, b) - valued(energy, a)  # (2)


def product(*energies: Energy) -> Energy:
    """What all of them find probable."""
    return lambda x: torch.stack([valued(E, x) for E in energies]).sum(0)  # (3)


def mixture(energies: Sequence[Energy], log_weights: Float[Tensor, " k"] | None = None) -> Energy:
    """What one of them finds probable.

    Args:
        log_weights: log w_k of normalised densities, else log w_k − log Z_k; equal ones if not given.

    Raises:
        InputError: there are not as many weights as energies.
    """
    w = torch.zeros(len(energies)) if log_weights is None else log_weights
    if w.shape != (len(energies),):
        raise InputError(f"{tuple(w.shape)} log weights for {len(energies)} energies: give one for each")
    w = w - w.logsumexp(0) if log_weights is None else w
    return lambda x: -(w.to(x)[:, None] - torch.stack([valued(E, x) for E in energies])).logsumexp(0)  # (4)


def given(energy: Callable[[Tensor, Tensor], Tensor], y: Tensor) -> Energy:
    """The energy of x where y is known: (n, …) with a row for each sample, or one row for all."""
    return lambda x: energy(x, y if len(y) == len(x) else y.expand(len(x), *y.shape[1:]))  # (5)


def tempered(energy: Energy, temperature: float) -> Energy:
    """Flatter above one, steeper below.

    Raises:
        InputError: the temperature is not above zero.
    """
    if not temperature > 0:
        raise InputError(f"temperature {temperature:g}: give one above zero")
    return lambda x: valued(energy, x) / temperature  # (6)
