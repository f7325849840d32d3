"""Views of text lines and other images that are read from left to right: what is shown keeps its place along the width.

A window of one view is compared with the same window of the other, so that whatever moves content along the width (a
flip, a shift, a crop of the sides) would pair unlike things. Parts say whether they keep the order (`keeps_order`), and
`lines` refuses those that do not.

    view = lines()                                                                 # SeqCLR's
    view = lines(crop_lines(0.2), affine(scale=(0.8, 1.2), upright=True), noise(0.1))

Each sample gets one to all of the parts, each number as likely: motions first, folded into one, then changes in an
order of its own. Images keep their size.

Aviad Aberdam et al. Sequence-to-Sequence Contrastive Learning for Text Recognition. 2020.
https://arxiv.org/abs/2012.10873
"""

from typing import Any

from torch import Tensor, contiguous_format
from torch.nn.functional import avg_pool2d, pad

from likeness.data.view_colours import blur
from likeness.data.view_geometry import box, elastic, perspective
from likeness.data.view_parts import Change, Motion, Part, Source, check_images, check_range, moved, on_some
from likeness.data.warps import Size
from likeness.errors import InputError
from likeness.sampling import Streams


class Lines:
    """The view that `lines` makes."""

    keeps_order = True

    def __init__(self, parts: tuple[Part, ...], beyond: float | None) -> None:
        self.motions = [part for part in parts if isinstance(part, Motion)]
        self.changes = [part for part in parts if isinstance(part, Change)]
        self.beyond = beyond

    def __call__(self, x: Tensor, *, generator: int | Streams | None = None) -> Tensor:
        check_images(x)
        source, m = Source(x, generator), len(self.motions)
        k = m + len(self.changes)
        rank = source.uniform(k).argsort(1).argsort(1)
        hit = rank <= (source.uniform() * k).floor().clamp(max=k - 1)[:, None]
        x = (
            moved(x, self.motions, source, self.beyond, hit[:, :m])
            if self.motions
            else x.clone(memory_format=contiguous_format)
        )
        own = [(hit[:, m + i] & source.chosen(c.p), c.draw(source, x.shape[1:])) for i, c in enumerate(self.changes)]
        for turn in range(k):
            for i, (mine, drawn) in enumerate(own):
                on_some(x, mine & (rank[:, m + i] == turn), self.changes[i].apply, drawn)
        return x.clamp_(-1, 1)


def lines(*parts: Part, beyond: float | None = None) -> Lines:
    """A view for images that are read from left to right; without parts, SeqCLR's.

    Args:
        parts: what may be done.
        beyond: the value outside the image; None repeats the edge.

    Raises:
        InputError: a part does not keep the order.
    """
    parts = parts or seqclr()
    for place, part in enumerate(parts, start=1):
        if not part.keeps_order:
            raise InputError(
                f"part {place} of {len(parts)} of a view of lines moves content along the width: leave out flips, "
                "turns, shifts to the side and crops of the sides"
            )
    return Lines(parts, beyond)


def seqclr() -> tuple[Part, ...]:
    """SeqCLR's parts; its piecewise affine maps are elastic waves here, as its authors have it for speed."""
    waves, tilt = elastic(0.01, knots=5), perspective(0.02)
    return crop_lines(0.4), crop_lines(0.0, 0.02), waves, tilt, fade(0.5, 1.0), blur(0.5, 1.5), sharpen(0.5, 0.5)


def crop_lines(vertical: float, horizontal: float = 0.0) -> Motion:
    """Takes up to these shares off the top and the bottom, and off the left and the right; the size stays.

    Raises:
        InputError: a share is outside [0, 0.45].
    """
    check_range("vertical", 0, vertical, least=0, most=0.45)
    check_range("horizontal", 0, horizontal, least=0, most=0.45)

    def draw(source: Source, image: Size) -> Tensor:
        h, w = image
        top, bottom = (vertical * h * source.uniform(2)).unbind(1)
        left, right = (horizontal * w * source.uniform(2)).unbind(1)
        return box(left, top, w - left - right, h - top - bottom, image)

    return Motion(draw, boxes=True, keeps_order=horizontal <= 0.05)


def fade(low: float, high: float, *, p: float = 1.0) -> Change:
    """Nearer to the middle grey: all values times a factor. Raises InputError unless 0 ≤ low ≤ high ≤ 1."""
    check_range("fade", low, high, least=0, most=1)
    return Change(lambda source, shape: (source.between(low, high),), lambda x, b: x.mul_(b[0][:, None, None, None]), p)


def sharpen(most: float = 0.5, lightness: float = 0.5, *, p: float = 1.0) -> Change:
    """Blended, by up to `most`, with what differs from the eight neighbours, lightened by up to `lightness`.

    Raises:
        InputError: a number is outside [0, 1].
    """
    check_range("sharpen", 0, most, least=0, most=1)
    check_range("lightness", 0, lightness, least=0, most=1)

    def apply(x: Tensor, drawn: tuple[Any, ...]) -> Tensor:
        share, light = (d[:, None, None, None] for d in drawn)
        y = (x + 1) / 2
        edges = 9 * (y - avg_pool2d(pad(y, (1, 1, 1, 1), mode="replicate"), 3, stride=1))
        return (2 * ((1 - share) * y + share * (edges + light * y)) - 1).clamp_(-1, 1)

    return Change(lambda source, shape: (source.between(0, most), source.between(0, lightness)), apply, p)
