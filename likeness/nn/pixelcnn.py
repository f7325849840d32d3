"""The gated PixelCNN: what a network can say of every pixel from the pixels before it, row by row and left to right.

    vertical    a(i, j) = W_v ∗ v, of the rows above,    v' = tanh a₁ ⊙ σ(a₂)                       (1)
    horizontal  b(i, j) = W_h ∗ h, of the row so far, + U a,    h' = h + V (tanh b₁ ⊙ σ(b₂))        (2)

v(i, ·) knows rows above i, whole; h(i, j) knows those, and the pixels left of j: together all that comes before, with
no blind spot. What is asked for is made by what convolutions are shown, not by weights that are masked: rows and
columns are shifted by one in the first layer. A class is an offset of every a and b.

`Drawing` computes the features of each pixel once: a layer's vertical features a row at a time, its horizontal ones a
pixel at a time, from the last rows and pixels that its convolutions reach.

Aäron van den Oord et al. Conditional Image Generation with PixelCNN Decoders. 2016. https://arxiv.org/abs/1606.05328
"""

from collections.abc import Sequence
from itertools import cycle, islice

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from likeness.errors import InputError
from likeness.nn.blocks import Labels, check_labels


def gated(x: Float[Tensor, "n twice *places"]) -> Float[Tensor, "n c *places"]:
    """tanh of the first half of the channels, times σ of the other."""
    value, gate = x.chunk(2, dim=1)
    return value.tanh() * gate.sigmoid()


class GatedLayer(nn.Module):
    """Both stacks of one layer; the first layer of a network is shown no row and no pixel of its own.

    Args:
        reach: rows above and pixels beside that its convolutions see.
        dilation: from one of them to the next.
    """

    def __init__(
        self, c_in: int, c: int, *, reach: int, dilation: int = 1, first: bool = False, classes: int = 0
    ) -> None:
        super().__init__()
        self.reach, self.dilation, self.first, self.classes = reach * dilation, dilation, first, classes
        self.seen = self.reach if first else self.reach + 1  # rows, and pixels of a row
        taps = reach if first else reach + 1
        self.vertical = nn.Conv2d(c_in, 2 * c, (taps, 2 * reach + 1), dilation=dilation)
        self.horizontal = nn.Conv2d(c_in, 2 * c, (1, taps), dilation=dilation)
        self.link, self.out = nn.Conv2d(2 * c, 2 * c, 1), nn.Conv2d(c, c, 1)
        if classes:
            self.embed = nn.Embedding(classes, 4 * c)

    def forward(
        self, v: Float[Tensor, "n k h w"], h: Float[Tensor, "n k h w"], y: Labels = None
    ) -> tuple[Float[Tensor, "n c h w"], Float[Tensor, "n c h w"]]:
        check_labels(y, self.classes)
        own = -1 if self.first else 0  # what is cut off is the row, or pixel, that must not be seen
        a = self.vertical(F.pad(v, (self.reach, self.reach, self.reach, own)))
        b = self.horizontal(F.pad(h, (self.reach, own)))
        if y is not None:
            for_a, for_b = self.embed(y)[:, :, None, None].chunk(2, dim=1)
            a, b = a + for_a, b + for_b
        made = self.out(gated(b + self.link(a)))
        return gated(a), made if self.first else h + made  # (1), (2)

    def row(
        self, above: Float[Tensor, "n k s u"], y: Labels
    ) -> tuple[Float[Tensor, "n c 1 w"], Float[Tensor, "w n twice"]]:
        """The vertical features of a row, from the padded rows that it sees; what they add to each b of that row."""
        a = self.vertical(above)
        for_b: Tensor | float = 0.0
        if y is not None:
            for_a, for_b = self.embed(y)[:, :, None, None].chunk(2, dim=1)
            a = a + for_a
        return gated(a), (self.link(a) + for_b)[:, :, 0].permute(2, 0, 1).contiguous()

    def pixel(self, left: Float[Tensor, "n k s"], linked: Float[Tensor, "n twice"]) -> Float[Tensor, "n c"]:
        """The horizontal features of a pixel, from the pixels that it sees."""
        made = dense(self.out, gated(dense(self.horizontal, left[:, :, :: self.dilation].flatten(1)) + linked))
        return made if self.first else left[:, :, -1] + made


class GatedPixelCNN(nn.Module):
    """Images of `channels` channels and any size to `outputs` numbers a pixel.

    Args:
        filters: channels of each stack.
        layers: the first, which sees `reach` rows and pixels, and those after it, which see one.
        dilations: how far away that one is, for the layers after the first by turns; in the paper always 1. With
            others a shallow network sees most of an image, so that the parts of a draw hang together.
        head: channels of the two 1×1 convolutions at the end; twice the filters if not given.

    Raises:
        InputError: a number is below one.
    """

    def __init__(
        self,
        channels: int,
        outputs: int,
        *,
        filters: int = 32,
        layers: int = 6,
        reach: int = 3,
        dilations: Sequence[int] = (1,),
        head: int | None = None,
        classes: int = 0,
    ) -> None:
        super().__init__()
        if min(filters, layers, reach, *dilations) < 1:
            numbers = f"{layers} layers of {filters} filters, reach {reach}, dilations {tuple(dilations)}"
            raise InputError(f"{numbers}: give one or more of each")
        first = GatedLayer(channels, filters, reach=reach, first=True, classes=classes)
        far = islice(cycle(dilations), layers - 1)
        others = [GatedLayer(filters, filters, reach=1, dilation=d, classes=classes) for d in far]
        self.channels, self.classes = channels, classes
        self.layers = nn.ModuleList([first, *others])
        wide = head or 2 * filters
        self.head = nn.Sequential(nn.ReLU(), nn.Conv2d(filters, wide, 1), nn.ReLU(), nn.Conv2d(wide, outputs, 1))

    def forward(self, x: Float[Tensor, "n c h w"], y: Labels = None) -> Float[Tensor, "n q h w"]:
        """Outputs at (i, j) are a function of the pixels before (i, j)."""
        v = h = x
        for layer in self.layers:
            v, h = layer(v, h, y)
        return self.head(h)

    def drawing(self, n: int, width: int, y: Labels = None) -> "Drawing":
        """What `forward` says of images that come into being: a row at a time, in it a pixel at a time."""
        check_labels(y, self.classes)
        return Drawing(self, n, width, y)


class Drawing:
    """The features that are still needed of `n` images: `row` begins a row, `pixel` gives the outputs of its next one.

    What each of them takes is what came before it: the row above, the pixel to the left.
    """

    def __init__(self, net: GatedPixelCNN, n: int, width: int, y: Labels) -> None:
        self.net, self.n, self.y = net, n, y
        self.layers: list[GatedLayer] = list(net.layers)  # type: ignore[arg-type]
        like = next(net.parameters())
        self.above = [
            like.new_zeros(n, layer.vertical.in_channels, layer.seen, width + 2 * layer.reach) for layer in self.layers
        ]
        self.left: list[Tensor] = []
        self.linked: list[Tensor] = []
        self.j = 0

    def row(self, before: Float[Tensor, "n c w"] | None) -> None:
        """Begin a row; `before` is the one above it, None for the first."""
        self.linked, self.j, v = [], 0, None if before is None else before[:, :, None]
        for i, layer in enumerate(self.layers):
            if v is not None:  # the first layer of the first row sees padding alone
                fresh = F.pad(v, (layer.reach, layer.reach))
                self.above[i] = torch.cat((self.above[i][:, :, 1:], fresh), 2)
            v, linked = layer.row(self.above[i], self.y)
            self.linked.append(linked)
        self.left = [a.new_zeros(self.n, a.shape[1], layer.seen) for a, layer in zip(self.above, self.layers)]

    def pixel(self, before: Float[Tensor, "n c"] | None) -> Float[Tensor, "n q"]:
        """The outputs of the next pixel; `before` is the one to its left, None for the first of a row."""
        h = before
        for i, layer in enumerate(self.layers):
            if h is not None:
                self.left[i] = torch.cat((self.left[i][:, :, 1:], h[:, :, None]), 2)
            h = layer.pixel(self.left[i], self.linked[i][self.j])
        self.j += 1
        assert h is not None
        hidden = dense(self.net.head[1], h.relu())  # type: ignore[arg-type]
        return dense(self.net.head[3], hidden.relu())  # type: ignore[arg-type]


def dense(conv: nn.Conv2d, x: Float[Tensor, "n k"]) -> Float[Tensor, "n c"]:
    """A convolution at one place, all of what it sees in a row of numbers: without the cost of a convolution."""
    return F.linear(x, conv.weight.flatten(1), conv.bias)
