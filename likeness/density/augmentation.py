"""What a model of the data does for a classifier: draws near each sample under its label, and codes to compare.

    loss = λ CE(y, f(x)) + (1 − λ) CE(y, f(x̃)),   x̃ drawn near x                                    (1)
    ŷ(x) = the label that most of the k nearest codes bear                                          (2)

Sajad Norouzi, David J. Fleet, Mohammad Norouzi. Exemplar VAE, sections 5.2 and 5.3. 2020.
https://arxiv.org/abs/2004.04795
"""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot

from likeness.density.retrieval import squares
from likeness.errors import InputError


def augmented_cross_entropy(
    f: Callable[[Tensor], Tensor],
    x: Float[Tensor, " n *event"],
    drawn: Float[Tensor, " n *event"],
    y: Int[Tensor, " n"],
    *,
    share: float = 0.4,
    smoothing: float = 0.1,
) -> Float[Tensor, " n"]:
    """The loss of each sample, of which `share` (λ) is that of the sample itself; labels are smoothed.

    Raises:
        InputError: the share is not in [0, 1].
    """
    if not 0 <= share <= 1:
        raise InputError(f"share {share:g}: the weight of the samples themselves is from 0 to 1")
    own, near = (cross_entropy(f(part), y, reduction="none", label_smoothing=smoothing) for part in (x, drawn))
    return share * own + (1 - share) * near  # (1)


def vote(
    codes: Float[Tensor, "n d"], known: Float[Tensor, "m d"], y: Int[Tensor, " m"], k: int = 5
) -> Int[Tensor, " n"]:
    """The label of each code; of labels that are as frequent, the smallest.

    Raises:
        InputError: fewer than k codes are known.
    """
    if not 1 <= k <= len(known):
        raise InputError(f"{k} neighbours of {len(known)} codes: ask for 1 or more and no more than there are")
    found = [squares(part, known).topk(k, largest=False).indices for part in codes.split(1024)]
    return one_hot(y)[torch.cat(found)].sum(1).argmax(1)  # (2)
