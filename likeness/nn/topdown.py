"""Networks of latents at several levels: features of a sample on the way up, and a way down that asks for every z.

The way down knows no distribution: at each level it hands over the numbers of which the caller makes a prior and a
posterior, and is given the z to go on with. Level 1 is nearest the sample; lists begin at the top, where z is one
vector. Below it vectors have vectors, and images have maps of `CHANNELS` channels whose side doubles from level to
level up to half the full resolution.

Arash Vahdat, Jan Kautz. NVAE: A Deep Hierarchical Variational Autoencoder. 2020. https://arxiv.org/abs/2007.03898
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import prod

import torch
from jaxtyping import Float
from torch import Tensor, nn

from likeness.errors import InputError
from likeness.nn.blocks import BatchNorm2d, Entry, Labels, channels_last, stages
from likeness.nn.coding import decoder_for, encoder_for
from likeness.nn.vector import MLP

CHANNELS = 4  # of the latent maps below the top
Choose = Callable[[Tensor | None, Tensor | None], Tensor]  # outputs for a prior and for a posterior, to z (n, d)


class BottomUp(nn.Module):
    """Outputs for the posterior of the top, and the features of every level below it.

    Args:
        below: from the sample to the features of level 1, from these to those of level 2, and so on.
        top: from the last features, and labels where there are classes, to the outputs (n, 2 d_z).
    """

    def __init__(self, below: Sequence[nn.Module], top: nn.Module) -> None:
        super().__init__()
        self.below, self.top = nn.ModuleList(below), top

    def forward(self, x: Float[Tensor, " n *event"], y: Labels = None) -> list[Tensor]:
        features = [x]
        for stage in self.below:
            features.append(stage(features[-1]))
        return [self.top(features[-1]) if y is None else self.top(features[-1], y), *features[:0:-1]]


class Level(nn.Module):
    """One level below the top: its prior given the state s, its posterior given the features too, and the next state.

    Args:
        shape: of z, whose first dimension is appended to that of s.
        up: from the state here to the one that the next level takes.
    """

    def __init__(
        self,
        prior: nn.Module,
        posterior: nn.Module,
        merge: nn.Module,
        shape: tuple[int, ...],
        up: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.prior, self.posterior, self.merge, self.shape, self.up = prior, posterior, merge, shape, up

    def forward(self, s: Tensor, h: Tensor | None, choose: Choose) -> Tensor:
        q = None if h is None else self.posterior(torch.cat((s, h), 1)).flatten(1).float()
        z = choose(self.prior(s).flatten(1).float(), q)
        s = s + self.merge(torch.cat((s, z.unflatten(1, self.shape)), 1))
        return s if self.up is None else self.up(s)


class TopDown(nn.Module):
    """From z at the top to the outputs of a likelihood; without features the levels are asked for by their priors."""

    def __init__(self, start: nn.Module, levels: Sequence[Level], finish: nn.Module) -> None:
        super().__init__()
        self.start, self.levels, self.finish = start, nn.ModuleList(levels), finish

    def forward(self, choose: Choose, features: Sequence[Tensor] | None = None, y: Labels = None) -> Tensor:
        z = choose(None, None if features is None else features[0])
        s = self.start(z) if y is None else self.start(z, y)
        for i, level in enumerate(self.levels):
            s = level(s, None if features is None else features[i + 1], choose)
        return self.finish(s)


class Top(nn.Module):
    """The coarsest map of features to numbers."""

    def __init__(self, d_in: int, d_out: int, classes: int) -> None:
        super().__init__()
        self.head = Entry(d_in, d_out, classes)

    def forward(self, h: Float[Tensor, "n c h w"], y: Labels = None) -> Float[Tensor, "n d_out"]:
        return self.head(h.flatten(1), y)


class Start(nn.Module):
    """A vector to the coarsest map, of this shape."""

    def __init__(self, d_z: int, shape: tuple[int, int, int], classes: int) -> None:
        super().__init__()
        self.shape, self.entry = shape, Entry(d_z, prod(shape), classes, bias=False)
        self.body = nn.Sequential(BatchNorm2d(shape[0]), nn.ReLU())

    def forward(self, z: Float[Tensor, "n d_z"], y: Labels = None) -> Float[Tensor, "n c h w"]:
        return self.body(self.entry(z, y).unflatten(1, self.shape))


def latent_shapes(event: tuple[int, ...], *, d_z: int, levels: int) -> list[tuple[int, ...]]:
    """The shape of z at every level, from the top down.

    Raises:
        InputError: there is less than one level.
    """
    if levels < 1:
        raise InputError(f"{levels} levels of latents: use one or more, 2 to 4 in a hierarchy")
    if len(event) == 1:
        return [(d_z,)] * levels
    sides = [event[1] // 2 ** (place + 1) for place in _places(event, levels)]
    return [(d_z,), *((CHANNELS, side, side) for side in sides)]


def bottom_up_for(
    event: tuple[int, ...], *, d_z: int, levels: int, width: int | None = None, classes: int = 0
) -> BottomUp:
    """The way up for samples (n, *event); with one level it is `encoder_for`.

    Raises:
        InputError: an image is not of a size that the convolutions take.
    """
    if levels == 1:
        return BottomUp([], encoder_for(event, 2 * d_z, width=width, classes=classes))
    if len(event) == 1:
        w = width or 128
        below = [nn.Sequential(MLP(a, w, width=w, depth=1), nn.ReLU()) for a in [event[0], *[w] * (levels - 2)]]
        return BottomUp(below, MLP(w, 2 * d_z, width=w, depth=2, classes=classes))
    channels, base, widths = stages(event, width or 32)
    at, below = -1, []
    for place in reversed(_places(event, levels)):
        below.append(_halvings([channels, *widths], at + 1, place + 1) if place > at else _same(widths[at]))
        at = place
    made = BottomUp(below, Top(widths[-1] * base * base, 2 * d_z, classes))
    channels_last(made)
    return made


def top_down_for(
    event: tuple[int, ...], *, d_z: int, levels: int, outputs: int = 1, width: int | None = None, classes: int = 0
) -> TopDown:
    """The way down to `outputs` numbers a dimension of a sample; with one level it is `decoder_for`.

    Raises:
        InputError: as for `bottom_up_for`.
    """
    if levels == 1:
        return TopDown(decoder_for(event, d_z=d_z, outputs=outputs, width=width, classes=classes), [], nn.Identity())
    shapes = latent_shapes(event, d_z=d_z, levels=levels)[1:]
    if len(event) == 1:
        w = width or 128
        start = MLP(d_z, w, width=w, depth=2, classes=classes)
        between = [Level(*_perceptrons(w, *shape), shape) for shape in shapes]
        return TopDown(start, between, MLP(w, outputs * event[0], width=w, depth=2))
    channels, base, widths = stages(event, width or 32)
    places = _places(event, levels)
    between = [
        Level(*_convolutions(widths[a]), shape, _doubling(widths[a], widths[b]) if b < a else None)
        for shape, (a, b) in zip(shapes, pairwise([*places, places[-1]]))
    ]
    fine = [_doubling(b, a) for a, b in reversed(list(pairwise(widths[: places[-1] + 1])))]
    finish = nn.Sequential(*fine, nn.ConvTranspose2d(widths[0], outputs * channels, 4, 2, 1))
    made = TopDown(Start(d_z, (widths[-1], base, base), classes), between, finish)
    channels_last(made)
    return made


def _places(event: tuple[int, ...], levels: int) -> list[int]:
    """After which halving the levels below the top are, from the top down: at the finest one there may be several."""
    last = len(stages(event, 1).widths) - 1
    return [max(0, last - k) for k in range(levels - 1)]


def _halvings(widths: Sequence[int], start: int, stop: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for i in range(start, stop):
        norm: list[nn.Module] = [BatchNorm2d(widths[i + 1])] if i else []
        layers += [nn.Conv2d(widths[i], widths[i + 1], 4, 2, 1, bias=not norm), *norm, nn.ReLU()]
    return nn.Sequential(*layers)


def _same(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(width, width, 3, 1, 1, bias=False), BatchNorm2d(width), nn.ReLU())


def _doubling(a: int, b: int) -> nn.Sequential:
    return nn.Sequential(nn.ConvTranspose2d(a, b, 4, 2, 1, bias=False), BatchNorm2d(b), nn.ReLU())


def _perceptrons(width: int, d: int) -> tuple[nn.Module, nn.Module, nn.Module]:
    """The prior's, the posterior's and the merging network of a level of vectors."""
    sizes = (width, 2 * d), (2 * width, 2 * d), (width + d, width)
    prior, posterior, merge = (MLP(a, b, width=width, depth=1) for a, b in sizes)
    return prior, posterior, merge


def _convolutions(width: int) -> tuple[nn.Module, nn.Module, nn.Module]:
    """The same of a level of maps."""

    def network(d_in: int, d_out: int) -> nn.Sequential:
        first = nn.Conv2d(d_in, width, 3, 1, 1, bias=False)
        return nn.Sequential(first, BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, d_out, 3, 1, 1))

    both = 2 * CHANNELS
    return network(width, both), network(2 * width, both), network(width + CHANNELS, width)
