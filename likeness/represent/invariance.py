"""How alike samples look must not depend on how they are shown: ReLIC's penalty across pairs of views.

A pair of augmentations (l, k) shows sample i in l and every sample of the batch in k:

    p_lk(j | i) = exp(u_i^l · v_j^k / τ) / Σ_m exp(u_i^l · v_m^k / τ)                                (1)
    contrast    −Σ_{lk} log p_lk(i | i)                                                             (2)
    invariance   Σ_{lk ≠ qt} KL(p_lk(·|i) ‖ p_qt(·|i))                                              (3)

u are features on the sphere, v those of a target that follows, or u itself: then (3) of the pairs (1, 2) and (2, 1)
is zero where the matrix of similarities is symmetric. What is invariant for a partition of the samples is so for every
coarser one, because no divergence grows when outcomes are merged.

Jovana Mitrovic, Brian McWilliams, Jacob Walker, Lars Buesing, Charles Blundell. Representation Learning via Invariant
Causal Mechanisms. 2020. https://arxiv.org/abs/2010.07922
"""

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import nll_loss

from likeness.represent.contrast import check_temperature
from likeness.represent.pairs import everyone, places
from likeness.represent.sphere import check_others, check_sphere


def resemblance(u: Float[Tensor, "n d"], v: Float[Tensor, "n d"], *, tau: float) -> Float[Tensor, "n m"]:
    """log p(j | i) over the samples of the whole batch.

    Raises:
        InputError: rows that are not of length one, a batch of one, or τ not above zero.
    """
    check_temperature(tau)
    check_others(u, "contrast")
    check_sphere(u, v)
    return (u @ everyone(v).T / tau).log_softmax(1)  # (1)


def own(log_p: Float[Tensor, "n m"]) -> Float[Tensor, " n"]:
    """−log p(i | i): InfoNCE over the batch."""
    return nll_loss(log_p, places(log_p), reduction="none")  # (2)


def divergence(log_p: Float[Tensor, "n m"], log_q: Float[Tensor, "n m"]) -> Float[Tensor, " n"]:
    """KL(p ‖ q) of each row, in nats."""
    return (log_p.exp() * (log_p - log_q)).sum(1)


def invariance(log_p: Float[Tensor, "n m"], log_q: Float[Tensor, "n m"], *, symmetric: bool) -> Float[Tensor, " n"]:
    """How unlike two pairs of views show each sample.

    Args:
        symmetric: both directions; else KL(p ‖ q) with p as the target, a constant.
    """
    if symmetric:
        return divergence(log_p, log_q) + divergence(log_q, log_p)  # (3)
    return divergence(log_p.detach(), log_q)


def relic(
    u1: Float[Tensor, "n d"],
    u2: Float[Tensor, "n d"],
    v1: Float[Tensor, "n d"],
    v2: Float[Tensor, "n d"],
    *,
    tau: float = 0.2,
    symmetric: bool = True,
) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
    """Contrast and invariance of two views, over the pairs (1, 2) and (2, 1); v is u where there is no target.

    Raises:
        InputError: rows that are not of length one, a batch of one, or τ not above zero.
    """
    log_p, log_q = resemblance(u1, v2, tau=tau), resemblance(u2, v1, tau=tau)
    return own(log_p) + own(log_q), invariance(log_p, log_q, symmetric=symmetric)
