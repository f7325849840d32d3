"""Sliced score matching: the trace in random directions, at the price of one back-propagation whatever d is.

    E vvᵀ = I   ⟹   E vᵀ A v = tr A                         Hutchinson                              (1)
    S(s)  = E_v E_x[vᵀ ∇s(x) v + ½ (vᵀ s(x))²]                                                       (2)
    VR(s) = E_v E_x[vᵀ ∇s(x) v + ½ ‖s(x)‖²]                  the same mean, less variance            (3)

Directions are Gaussian or signs (Rademacher), one a sample, drawn anew at each step; of signs, the diagonal of ∇s adds
nothing to the variance. vᵀ ∇s v = vᵀ ∇(vᵀ s): v stands before one derivative of one number.

Yang Song, Sahaj Garg, Jiaxin Shi, Stefano Ermon. Sliced Score Matching: A Scalable Approach to Density and Score
Estimation. 2019. https://arxiv.org/abs/1905.07088
(1) M. F. Hutchinson. A stochastic estimator of the trace of the influence matrix. 1989.
    https://doi.org/10.1080/03610919008812866
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.energy.score_matching import Objective, Score
from likeness.ranks import noise_like, per_sample


def signs_like(x: Float[Tensor, " n *event"]) -> Float[Tensor, " n *event"]:
    """−1 or 1 in each coordinate of each sample."""
    coins = per_sample(len(x), lambda n: torch.randint(2, (n, *x.shape[1:]), device=x.device))
    return (2 * coins - 1).to(x.dtype)


def along(
    s: Score, x: Float[Tensor, " n *event"], v: Float[Tensor, " n *event"]
) -> tuple[Float[Tensor, "n d"], Float[Tensor, " n"], Float[Tensor, " n"]]:
    """The score in one row a sample, vᵀ s and vᵀ ∇s v; part of a graph where gradients are on."""
    again = torch.is_grad_enabled()
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        value = s(x).flatten(1)
        slope = (value * v.flatten(1)).sum(1)
        (g,) = torch.autograd.grad(slope.sum(), x, create_graph=again)
    return value, slope, (g * v).flatten(1).sum(1)


def hutchinson(s: Score, x: Float[Tensor, " n *event"], v: Float[Tensor, " n *event"]) -> Float[Tensor, " n"]:
    """vᵀ ∇s v, whose mean over directions is the trace."""
    return along(s, x, v)[2]  # (1)


def projected(s: Score, x: Float[Tensor, " n *event"], v: Float[Tensor, " n *event"]) -> Float[Tensor, " n"]:
    """The objective along v alone."""
    _, slope, curvature = along(s, x, v)
    return curvature + slope.square() / 2  # (2)


def reduced(s: Score, x: Float[Tensor, " n *event"], v: Float[Tensor, " n *event"]) -> Float[Tensor, " n"]:
    """The objective along v, with the whole of ½ ‖s‖², which is known without it."""
    value, _, curvature = along(s, x, v)
    return curvature + value.square().sum(1) / 2  # (3)


def sliced(
    form: Callable[[Score, Tensor, Tensor], Tensor], directions: Callable[[Tensor], Tensor] = signs_like
) -> Objective:
    """The objective of a form and of what draws its directions, `signs_like` or `noise_like`."""
    return lambda s, x: form(s, x, directions(x))


rademacher = sliced(projected)
gaussian = sliced(projected, noise_like)
variance_reduced = sliced(reduced)
