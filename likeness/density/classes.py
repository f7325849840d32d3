"""Models that are conditional on a class, of which a sample may or may not be told.

    p(x) = Σ_c p(c) p(x | c),   p(c) = how often the class occurs                                   (1)

Diederik P. Kingma, Danilo J. Rezende, Shakir Mohamed, Max Welling. Semi-Supervised Learning with Deep Generative
Models. 2014. https://arxiv.org/abs/1406.5298
"""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from likeness.errors import InputError

Labels = Int[Tensor, " n"] | None


def shares(counts: Tensor | None) -> Float[Tensor, " k"] | None:
    """p(c) from how often each class occurs; None for a model without classes.

    Raises:
        InputError: a count below zero, or nothing but zeros.
    """
    if counts is None:
        return None
    if counts.ndim != 1 or (counts < 0).any() or counts.sum() <= 0:
        raise InputError(f"label frequencies {counts.tolist()}: give one number ≥ 0 a class, not all zero")
    return (counts.double() / counts.double().sum()).float()


def named(p: Float[Tensor, " k"] | None, y: Labels) -> dict[str, Tensor]:
    """The labels as a network takes them: {} for a model without classes, {"y": y} for others.

    Raises:
        InputError: labels are needed and were not given.
    """
    if p is None:
        return {}
    if y is None:
        raise InputError("this model is conditional on labels and none were given: give y, one class a sample")
    return {"y": y}


def chosen(p: Float[Tensor, "*n k"], u: Float[Tensor, " n"]) -> Int[Tensor, " n"]:
    """Classes with these probabilities, the same for all samples or each its own, from uniform numbers."""
    return (u[:, None] > p.cumsum(-1)[..., :-1]).sum(1)


def joint(
    p: Float[Tensor, " k"], log_prob: Callable[[Tensor], Tensor], like: Float[Tensor, " n *event"]
) -> Float[Tensor, "n k"]:
    """log p(c) + log p(x | c) of every class, given the log-probabilities (n,) for labels (n,)."""
    y = torch.zeros(len(like), dtype=torch.long, device=like.device)
    return p.log() + torch.stack([log_prob(y + c) for c in range(len(p))], dim=1)


def summed(
    p: Float[Tensor, " k"], log_prob: Callable[[Tensor], Tensor], like: Float[Tensor, " n *event"]
) -> Float[Tensor, " n"]:
    """log p(x) where the class is not told."""
    return torch.logsumexp(joint(p, log_prob, like), dim=1)  # (1)
