"""Labels that a classifier learns from, and what it costs to be wrong about them.

    ℓ(x, y) = −Σ_k q_k log softmax_k,   q = (1 − s) [k = y] + s/K                                   (1)

s is the smoothing: with it no logit has to grow without end.

Christian Szegedy, Vincent Vanhoucke, Sergey Ioffe, Jonathon Shlens, Zbigniew Wojna. Rethinking the Inception
Architecture for Computer Vision, section 7. 2015. https://arxiv.org/abs/1512.00567
"""

from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from likeness.errors import InputError
from likeness.nn.heads import linear_head


def labelled(y: Int[Tensor, " n"] | None, classes: int, *, least: int = 0) -> Int[Tensor, " n"]:
    """The labels, seen to be `least` … `classes` − 1.

    Raises:
        InputError: there are none, or some are others.
    """
    if y is None:
        raise InputError(
            "a classifier learns from labels, and this data has none: give labels y, or learn without them"
        )
    low, high = (int(end) for end in y.aminmax())
    if low < least or high >= classes:
        raise InputError(f"labels from {low} to {high} for {classes} classes: number the classes from 0")
    return y


def loss(logits: Float[Tensor, "n k"], y: Int[Tensor, " n"], *, smoothing: float = 0.0) -> Float[Tensor, " n"]:
    """Nats, of each sample."""
    return cross_entropy(logits, y, reduction="none", label_smoothing=smoothing)  # (1)


def check_smoothing(smoothing: float) -> None:
    """Raises InputError where it is not a share of one."""
    if not 0 <= smoothing < 1:
        raise InputError(f"smoothing {smoothing:g}: a share from 0 to below 1 goes to all classes, such as 0.1")


def head_for(f: nn.Module, classes: int) -> nn.Linear:
    """Logits of the features of an encoder.

    Raises:
        InputError: fewer than two classes, or an encoder that does not say how many features it gives.
    """
    d = getattr(f, "d", None)
    if not isinstance(d, int):
        raise InputError(f"the encoder {type(f).__name__} has no number d: say how many features it gives a sample")
    return linear_head(d, classes)
