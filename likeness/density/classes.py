"""Models conditional on a class: how often each occurs, which to draw, and the evidence summed over them.

    log p(x) = log Σ_c p(c) p(x|c)                                                                  (1)

A bound of every log p(x|c) gives a bound of log p(x).

Diederik P. Kingma et al. Semi-supervised Learning with Deep Generative Models. 2014. https://arxiv.org/abs/1406.5298
"""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from likeness.errors import InputError
from likeness.sampling import Streams


def normalised(frequencies: Tensor) -> Float[Tensor, " k"]:
    """Raises InputError where they are no frequencies."""
    if frequencies.ndim != 1 or (frequencies < 0).any() or frequencies.sum() <= 0:
        raise InputError(f"label frequencies {frequencies.tolist()}: give one number ≥ 0 a class, not all zero")
    return (frequencies.double() / frequencies.double().sum()).float()


def drawn(frequencies: Float[Tensor, " k"], n: int, source: Streams, device: torch.device) -> Int[Tensor, " n"]:
    """Classes by their frequencies."""
    u = source.uniform(n, device=device)
    return torch.searchsorted(frequencies.cumsum(0), u).clamp_(max=len(frequencies) - 1)


def given(frequencies: Tensor | None, y: Tensor | None) -> dict[str, Tensor]:
    """What the networks of a model take besides their input: {} or {"y": (n,)}.

    Raises:
        InputError: the model is conditional and there are no labels.
    """
    if frequencies is None:
        return {}
    if y is None:
        raise InputError("this model is conditional on labels and none were given: give y, one class a sample")
    return {"y": y}


def over_classes(
    frequencies: Float[Tensor, " k"], x: Float[Tensor, " n *event"], log_prob: Callable[[Tensor], Tensor]
) -> Float[Tensor, " n"]:
    """log p(x) from log p(x|y), a function of the labels (n,)."""
    return torch.logsumexp(_joint(frequencies, x, log_prob), dim=0)  # (1)


def posterior(
    frequencies: Float[Tensor, " k"], x: Float[Tensor, " n *event"], log_prob: Callable[[Tensor], Tensor]
) -> Float[Tensor, "n k"]:
    """p(c|x) of every class."""
    return _joint(frequencies, x, log_prob).softmax(0).T


def drawn_each(p: Float[Tensor, "n k"], source: Streams) -> Int[Tensor, " n"]:
    """A class for each sample, by probabilities of its own."""
    u = source.uniform(len(p), device=p.device)
    return (u[:, None] > p.cumsum(1)[:, :-1]).sum(1)


def _joint(frequencies: Tensor, x: Tensor, log_prob: Callable[[Tensor], Tensor]) -> Float[Tensor, "k n"]:
    each = [log_prob(torch.full((len(x),), c, device=x.device)) for c in range(len(frequencies))]
    return frequencies.log()[:, None] + torch.stack(each)
