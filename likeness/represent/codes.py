"""Swapped prediction: the cluster that one view of a sample was given is what the other views of it have to say.

    Q = the plan that scores best between all samples of the batch and the k prototypes, each with its share  (1)
    q = n Q: the code of a sample, which sums to one over the prototypes                                      (2)
    ℓ(z, q) = −Σ_k q_k log softmax_k(zᵀC/τ)                                                                   (3)
    L = the mean, over coded views s and the other views t ≠ s, of ℓ(z_t, q_s)                                (4)

That every prototype has its share keeps all samples from being given one code. Where all features are one, codes are
uniform and L = ln k, below which it cannot come from there: a loss that stays at ln k is a collapse. Authors' remedies:
a smaller ε, frozen prototypes, no batch normalisation in the head, hard codes.

Mathilde Caron, Ishan Misra, Julien Mairal, Priya Goyal, Piotr Bojanowski, Armand Joulin. Unsupervised Learning of
Visual Features by Contrasting Cluster Assignments. 2020. https://arxiv.org/abs/2006.09882
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import one_hot

from likeness.errors import InputError
from likeness.ranks import gather, held
from likeness.transport.sinkhorn import sinkhorn


@torch.no_grad()
def codes(
    scores: Float[Tensor, "n k"],
    *,
    epsilon: float = 0.05,
    iterations: int = 3,
    others: Float[Tensor, "m k"] | None = None,
    hard: bool = False,
) -> Float[Tensor, "n k"]:
    """The codes of these samples among those of the whole batch, of all processes; no gradient goes through.

    Args:
        scores: zᵀC of features and prototypes, both of length one.
        epsilon: how soft codes are; towards 0 each is one prototype, beyond 1 they are uniform.
        iterations: of Sinkhorn. The paper's 3 leave the shares of prototypes some percent apart.
        others: scores of samples that have their share too, such as those of a queue; the same for all processes.
        hard: the prototype with the most of a code has all of it.

    Raises:
        InputError: as `sinkhorn`, or the batch is cut into pieces of an accumulated gradient.
    """
    every, part = gather(scores), held()
    first = 0 if part is None else part.start * (len(scores) // part.n)
    rows = every if others is None else torch.cat((every, others.to(every)))
    log_Q = sinkhorn(rows, epsilon=epsilon, iterations=iterations)[first : first + len(scores)]  # (1)
    if hard:
        return one_hot(log_Q.argmax(1), scores.shape[1]).to(log_Q)
    return len(rows) * log_Q.exp()  # (2)


def prediction(
    scores: Float[Tensor, "*v n k"], q: Float[Tensor, "*v n k"], *, tau: float = 0.1
) -> Float[Tensor, "*v n"]:
    """ℓ: the nats by which a view fails to say a code; scores are zᵀC, as for `codes`."""
    return -(q * (scores / tau).log_softmax(-1)).sum(-1)  # (3)


def swapped(scores: Float[Tensor, "v n k"], q: Float[Tensor, "s n k"], *, tau: float = 0.1) -> Float[Tensor, " n"]:
    """L of each sample: the scores of all its views, of which the first have the codes q.

    Raises:
        InputError: there are fewer than two views.
    """
    if len(scores) < 2:
        raise InputError(f"{len(scores)} view of each sample: a code is said by another view, give two or more")
    wanted = q.sum(0).expand_as(scores).clone()  # sum of ℓ over codes = ℓ of their sum: a softmax for each view
    wanted[: len(q)] -= q
    return prediction(scores, wanted, tau=tau).sum(0) / (len(q) * (len(scores) - 1))  # (4)


def used(scores: Float[Tensor, "n k"]) -> float:
    """The share of the prototypes that are the nearest one of some sample; 1/k in a full collapse."""
    return len(scores.argmax(1).unique()) / scores.shape[1]
