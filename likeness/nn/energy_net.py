"""Energies: one number a sample, without limits, low where data lie; smooth, because chains follow their gradient.

    swish     a(t) = t S(t) / 1.1,   S(t) = 1/(1 + e⁻ᵗ),   |a′| ≤ 1                                 (1)
    weight    w = g v / ‖v‖,   g and b such that the first outputs have mean 0 and deviation 1      (2)
    harmonics φ(x) = [x, sin kπx, cos kπx],   k = 1 … K                                             (3)

For images a residual network that halves them down and sums over places. There is no normalisation over the batch: the
energy of a sample is its own. Harmonics let a small perceptron see structure finer than its width allows.

(1) Ricky T. Q. Chen, Jens Behrmann, David Duvenaud, Jörn-Henrik Jacobsen. Residual Flows. 2019.
    https://arxiv.org/abs/1906.02735
(2) Tim Salimans, Diederik P. Kingma. Weight Normalization. 2016. https://arxiv.org/abs/1602.07868
"""

import math
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d
from torch.nn.utils.parametrizations import weight_norm

from likeness.nn.blocks import channels_last, stages
from likeness.nn.vector import MLP


class Swish(nn.Module):
    """A smooth activation that lengthens no step."""

    def forward(self, t: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
        return t * t.sigmoid() / 1.1  # (1)


class Block(nn.Module):
    """x + two convolutions of it, at the same resolution or half of it."""

    def __init__(self, a: int, b: int, halve: bool) -> None:
        super().__init__()
        convolutions = (_convolution(a, b), _convolution(b, b))
        self.body = nn.Sequential(Swish(), convolutions[0], Swish(), convolutions[1])
        self.skip = nn.Identity() if a == b else _convolution(a, b, 1)
        self.halve = halve

    def forward(self, x: Float[Tensor, "n a h w"]) -> Float[Tensor, "n b h2 w2"]:
        h = self.skip(x) + self.body(x)
        return avg_pool2d(h, 2) if self.halve else h


class ImageEnergy(nn.Module):
    """Square images to energies; `width` channels at full resolution, doubling below, `blocks` at each resolution."""

    def __init__(self, shape: tuple[int, ...], *, width: int = 64, blocks: int = 1) -> None:
        super().__init__()
        channels, _, widths = stages(shape, width)
        layers: list[nn.Module] = [_convolution(channels, width)]
        for a, b in pairwise((width, *widths)):
            layers += [*(Block(a, a, False) for _ in range(blocks - 1)), Block(a, b, True)]
        self.body = nn.Sequential(*layers, Swish())
        self.head = nn.Linear(widths[-1], 1)
        channels_last(self)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, " n"]:
        return self.head(self.body(x).sum((2, 3))).squeeze(1)


class VectorEnergy(nn.Module):
    """Vectors to energies, by a perceptron of x and its harmonics; `harmonics` of 0 leaves those out."""

    def __init__(self, d: int, *, width: int = 128, depth: int = 2, harmonics: int = 4) -> None:
        super().__init__()
        self.harmonics = harmonics
        self.body = MLP(d * (1 + 2 * harmonics), 1, width=width, depth=depth, activation=nn.SiLU)

    def forward(self, x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        turns = [k * math.pi * x for k in range(1, self.harmonics + 1)]
        return self.body(torch.cat((x, *map(torch.sin, turns), *map(torch.cos, turns)), 1)).squeeze(1)  # (3)


@torch.no_grad()
def standardise(network: nn.Module, x: Float[Tensor, " n *event"]) -> None:
    """Give every weight-normalised layer, in the order in which they come, standardised outputs on these samples."""

    def set_scale(layer: nn.Module, given: tuple[Tensor, ...], out: Tensor) -> Tensor:
        across = [i for i in range(out.ndim) if i != 1]
        mean, deviation = out.mean(across), out.std(across).clamp_min(1e-3)
        layer.parametrizations.weight.original0.div_(_column(deviation))  # type: ignore[union-attr, operator]
        layer.bias.sub_(mean).div_(deviation)  # type: ignore[operator]  # (2)
        shape = [1, -1, *[1] * (out.ndim - 2)]
        return (out - mean.view(shape)) / deviation.view(shape)

    normed = [m for m in network.modules() if isinstance(m, nn.Conv2d) and hasattr(m, "parametrizations")]
    hooks = [layer.register_forward_hook(set_scale) for layer in normed]
    try:
        if hooks:
            network(x)
    finally:
        for hook in hooks:
            hook.remove()


def energy_for(event: tuple[int, ...], *, width: int | None = None) -> nn.Module:
    """An energy of samples (n, *event), (n,).

    Raises:
        InputError: an image is not of a size that the convolutions take.
    """
    if len(event) == 1:
        return VectorEnergy(event[0], width=width or 128)
    return ImageEnergy(event, width=width or 32)


def _convolution(a: int, b: int, side: int = 3) -> nn.Conv2d:
    return weight_norm(nn.Conv2d(a, b, side, padding=side // 2))


def _column(g: Tensor) -> Tensor:
    return g.view(-1, 1, 1, 1)
