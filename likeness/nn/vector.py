"""Networks on vectors: the multilayer perceptron, its residual form, and a critic."""

from collections.abc import Callable
from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn

from likeness.errors import InputError
from likeness.nn.blocks import Entry, Labels, MinibatchStd, Projection, spectral_normalise


class MLP(nn.Module):
    """`depth` hidden layers of `width` units between vectors; a class shifts the first of them.

    Raises:
        InputError: `depth` is below one.
    """

    def __init__(
        self,
        d_in: int,
        d_out: int,
        *,
        width: int = 128,
        depth: int = 3,
        activation: Callable[[], nn.Module] = nn.ReLU,
        classes: int = 0,
    ) -> None:
        super().__init__()
        _check_depth(depth)
        self.entry = Entry(d_in, width, classes)
        hidden = [layer for _ in range(depth - 1) for layer in (nn.Linear(width, width), activation())]
        self.body = nn.Sequential(activation(), *hidden, nn.Linear(width, d_out))

    def forward(self, x: Float[Tensor, "n d_in"], y: Labels = None) -> Float[Tensor, "n d_out"]:
        return self.body(self.entry(x, y))


class ResidualMLP(nn.Module):
    """A perceptron of `depth` blocks h + W₂ a(W₁ a(LayerNorm h)), which stays trainable when it is deep."""

    def __init__(
        self,
        d_in: int,
        d_out: int,
        *,
        width: int = 128,
        depth: int = 3,
        activation: Callable[[], nn.Module] = nn.ReLU,
        classes: int = 0,
    ) -> None:
        super().__init__()
        self.entry = Entry(d_in, width, classes)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.LayerNorm(width), activation(), nn.Linear(width, width), activation(), nn.Linear(width, width)
            )
            for _ in range(depth)
        )
        self.out = nn.Sequential(nn.LayerNorm(width), activation(), nn.Linear(width, d_out))

    def forward(self, x: Float[Tensor, "n d_in"], y: Labels = None) -> Float[Tensor, "n d_out"]:
        h = self.entry(x, y)
        for block in self.blocks:
            h = h + block(h)
        return self.out(h)


class VectorCritic(nn.Module):
    """A perceptron with one logit a sample; a positive logit means real.

    With `minibatch_std` the last hidden layer sees the spread of the batch (see `MinibatchStd`).

    Raises:
        InputError: `depth` is below one.
    """

    def __init__(
        self,
        d: int,
        *,
        width: int = 128,
        depth: int = 3,
        activation: Callable[[], nn.Module] = nn.ReLU,
        classes: int = 0,
        spectral: bool = False,
        minibatch_std: bool = False,
    ) -> None:
        super().__init__()
        _check_depth(depth)
        sizes = [d, *[width] * depth]
        layers: list[nn.Module] = []
        for i, (a, b) in enumerate(pairwise(sizes)):
            spread = minibatch_std and i == depth - 1
            layers += [MinibatchStd()] if spread else []
            layers += [nn.Linear(a + spread, b), activation()]
        self.body = nn.Sequential(*layers)
        self.head = Projection(width, classes)
        self.feature_size = width
        if spectral:
            spectral_normalise(self)

    def features(self, x: Float[Tensor, "n d"], y: Labels = None) -> Float[Tensor, "n f"]:
        """The last hidden layer; labels enter only after it."""
        return self.body(x)

    def forward(self, x: Float[Tensor, "n d"], y: Labels = None) -> Float[Tensor, " n"]:
        return self.head(self.features(x), y)


def orthogonal(module: nn.Module, gain: float = 1.0) -> None:
    """Set the matrices of all linear layers orthogonal, times `gain`, and their biases to zero."""
    for layer in module.modules():
        if isinstance(layer, nn.Linear):
            nn.init.orthogonal_(layer.weight, gain)
            nn.init.zeros_(layer.bias)


def _check_depth(depth: int) -> None:
    if depth < 1:
        raise InputError(f"depth {depth}: a perceptron has one hidden layer or more")
