"""What stands on an encoder while it learns: a projection to the space of the loss, or a linear classifier.

    g(h) = W⁽ᴸ⁾ relu(BatchNorm(W⁽ᴸ⁻¹⁾ … relu(BatchNorm(W⁽¹⁾ h))))                                   (1)

A contrastive loss asks z = g(h) to forget what views change; h, a layer below, keeps it. So g is thrown away after
training. What comes out is not on the sphere yet: the loss or the method normalises it.

Ting Chen, Simon Kornblith, Mohammad Norouzi, Geoffrey Hinton. A Simple Framework for Contrastive Learning of Visual
Representations. 2020. https://arxiv.org/abs/2002.05709
"""

from torch import nn

from likeness.errors import InputError
from likeness.nn.blocks import BatchNorm1d


def projection(d: int, *, hidden: int, out: int, layers: int = 2, norm: bool = True) -> nn.Module:
    """A perceptron from (n, d) to (n, out): `layers` linear ones, between them `hidden` units.

    Args:
        d: size of a feature vector.
        hidden: units of every layer but the last; SimCLR has d of them, SwAV 2048.
        out: size of a projection; 128 in both.
        layers: 1 is a linear map.
        norm: batch normalisation before each ReLU. A batch of one cannot be learned from then.

    Raises:
        InputError: there is no layer.
    """
    if layers < 1:
        raise InputError(f"a head of {layers} layers: give 1 or more")
    parts: list[nn.Module] = []
    for i in range(layers - 1):
        parts += [nn.Linear(hidden if i else d, hidden, bias=not norm)]
        parts += [BatchNorm1d(hidden), nn.ReLU()] if norm else [nn.ReLU()]
    return nn.Sequential(*parts, nn.Linear(hidden if layers > 1 else d, out))  # (1)


def linear_head(d: int, classes: int) -> nn.Linear:
    """Logits (n, classes) of features (n, d); close to zero before training, so that the first loss is log `classes`.

    Raises:
        InputError: fewer than two classes.
    """
    if classes < 2:
        raise InputError(f"a classifier of {classes} classes: give 2 or more")
    head = nn.Linear(d, classes)
    nn.init.normal_(head.weight, std=0.01)
    nn.init.zeros_(head.bias)
    return head
