"""Score matching: a vector field is fitted to ∇ log p of the data, though nobody knows what that is.

    F(s)  = ½ E ‖s(x) − ∇ log p(x)‖²                        Fisher divergence                       (1)
    J(s)  = E[½ ‖s(x)‖² + tr ∇s(x)]  =  F(s) − ½ E ‖∇ log p(x)‖²                                    (2)
    J_λ(s) = J(s) + λ E Σ_i (∂s_i/∂x_i)²                                                            (3)

(2) is (1) by parts, where p s vanishes far away: what is missing is a constant. The trace takes d back-propagations,
here as one batch of them. A flexible network can send it to −∞ at finitely many points, which (3) costs.

Aapo Hyvärinen. Estimation of Non-Normalized Statistical Models by Score Matching. 2005.
https://www.jmlr.org/papers/v6/hyvarinen05a.html
(3) Diederik P. Kingma, Yann LeCun. Regularized estimation of image statistics by Score Matching. 2010.
    https://papers.nips.cc/paper/2010/hash/6f3e29a35278d71c7f65495871231324-Abstract.html
"""

from collections.abc import Callable
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

Score = Callable[[Tensor], Tensor]  # samples (n, *event) to ∇ log p there, (n, *event)
Objective = Callable[[Score, Tensor], Tensor]  # what a score costs at samples, one number each


def fisher_divergence(s: Score, x: Float[Tensor, " n *event"], true: Float[Tensor, " n *event"]) -> Float[Tensor, " n"]:
    """The cost of each sample where the score of the data is known, as a toy's is."""
    return (s(x) - true).flatten(1).square().sum(1) / 2  # (1)


def exact(s: Score, x: Float[Tensor, " n *event"]) -> Float[Tensor, " n"]:
    """½ ‖s‖² + tr ∇s: differentiable once more, d times the work of one back-propagation."""
    value, J = jacobian(s, x)
    return value.square().sum(1) / 2 + J.diagonal(dim1=1, dim2=2).sum(1)  # (2)


def curved(s: Score, x: Float[Tensor, " n *event"], *, weight: float) -> Float[Tensor, " n"]:
    """`exact`, and the squares of the trace's own terms: their curvature cannot become a spike at each sample."""
    value, J = jacobian(s, x)
    terms = J.diagonal(dim1=1, dim2=2)
    return value.square().sum(1) / 2 + terms.sum(1) + weight * terms.square().sum(1)  # (3)


def regularised(weight: float) -> Objective:
    """The objective (3) with λ = `weight`."""
    return partial(curved, weight=weight)


def jacobian(s: Score, x: Float[Tensor, " n *event"]) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n d d"]]:
    """The score in one row a sample, and ∂s_i/∂x_j; part of a graph where gradients are on."""
    again = torch.is_grad_enabled()
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        value = s(x).flatten(1)
        n, d = value.shape
        each = torch.eye(d, dtype=value.dtype, device=value.device)[:, None].expand(d, n, d)
        (rows,) = torch.autograd.grad(value, x, each, is_grads_batched=True, create_graph=again)
    return value if again else value.detach(), rows.flatten(2).transpose(0, 1)
