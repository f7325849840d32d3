"""Views of images: several looks at one sample that show the same thing, and each paper's policy as a value.

    views = two(simclr(32))                                            # list of 2 tensors
    views = Views((2, swav_crop(224, (0.14, 1.0))), (6, swav_crop(96, (0.05, 0.14))))
    a, b = views(x, generator=0)

A policy is a view (`view(x, *, generator=None)`, from (n, c, h, w) to (n, c, h', w') in [-1, 1]) made with `chain` of
motions (`view_geometry`) and changes (`view_colours`). One's own is made in the same way, and any function with that
signature will do.

simclr        Ting Chen, Simon Kornblith, Mohammad Norouzi, Geoffrey Hinton. A Simple Framework for Contrastive Learning
              of Visual Representations. 2020. https://arxiv.org/abs/2002.05709
align_uniform Tongzhou Wang, Phillip Isola. Understanding Contrastive Representation Learning through Alignment and
              Uniformity on the Hypersphere. 2020. https://arxiv.org/abs/2005.10242
swav          Mathilde Caron et al. Unsupervised Learning of Visual Features by Contrasting Cluster Assignments. 2020.
              https://arxiv.org/abs/2006.09882
photographs   Xinlei Chen, Haoqi Fan, Ross Girshick, Kaiming He. Improved Baselines with Momentum Contrastive Learning.
              2020. https://arxiv.org/abs/2003.04297
"""

from torch import Tensor

from likeness.data.view_colours import blur, brightness, grey, jitter, noise
from likeness.data.view_geometry import affine, crop, flip, resize
from likeness.data.view_parts import Chain, View, chain, check_range
from likeness.errors import InputError
from likeness.sampling import Streams, streams

__all__ = ["View", "Views", "align_uniform", "chain", "digits", "photographs", "simclr", "swav", "swav_crop", "two"]

SMALL = 32  # pixels a side, up to which the papers leave the blur out


class Views:
    """Groups of views: `Views((2, large), (6, small))` gives a list of 8 tensors, the groups in their order.

    Raises:
        InputError: there is no group, or one without views.
    """

    def __init__(self, *groups: tuple[int, View]) -> None:
        if not groups or min(count for count, _ in groups) < 1:
            raise InputError(f"groups of {[count for count, _ in groups]} views: give one group or more, none empty")
        self.groups = groups

    @property
    def counts(self) -> tuple[int, ...]:
        return tuple(count for count, _ in self.groups)

    def __call__(self, x: Tensor, *, generator: int | Streams | None = None) -> list[Tensor]:
        """Every view of every sample, each drawn anew; with a seed, those of sample i depend on it and on i alone."""
        source = None if generator is None else streams(generator)
        return [view(x, generator=source) for count, view in self.groups for _ in range(count)]


def two(view: View) -> Views:
    """Two views of one kind."""
    return Views((2, view))


def simclr(size: int, *, strength: float = 1.0, p_blur: float | None = None) -> Chain:
    """SimCLR's: crop, flip, colours at `strength` (the paper's 1, and 0.5 for CIFAR-10), grey, blur.

    The blur falls on half of the samples; up to 32 pixels a side on none, as in the paper.
    """
    check_range("strength", 0, strength, least=0)
    s = strength
    colours = jitter(0.8 * s, 0.8 * s, 0.8 * s, 0.2 * s, p=0.8)
    return chain(crop(size), flip(), colours, grey(0.2), *_blur(size, p_blur))


def align_uniform(size: int = 64) -> Chain:
    """That of alignment and uniformity on STL-10: crop, flip, all colours, grey."""
    return chain(crop(size), flip(), jitter(0.4, 0.4, 0.4, 0.4), grey(0.2))


def swav_crop(size: int, scale: tuple[float, float]) -> Chain:
    """One resolution of SwAV's crops: a share of the area in `scale`, flip, colours, grey, blur."""
    return chain(crop(size, scale=scale), flip(), jitter(0.8, 0.8, 0.8, 0.2, p=0.8), grey(0.2), *_blur(size, None))


def swav(large: int = 224, small: int = 96, *, many: int = 6) -> Views:
    """SwAV's multi-crop: two large crops, and small ones that show little."""
    return Views((2, swav_crop(large, (0.14, 1.0))), (many, swav_crop(small, (0.05, 0.14))))


def photographs(size: int) -> Chain:
    """MoCo v2's, milder than SimCLR's: crops of a fifth and more, half the colours."""
    colours = jitter(0.4, 0.4, 0.4, 0.1, p=0.8)
    return chain(crop(size, scale=(0.2, 1.0)), flip(), colours, grey(0.2), *_blur(size, None))


def digits(size: int) -> Chain:
    """For strokes on black, whose meaning a mirror or colours would change: affine, brightness and noise."""
    moved = affine(degrees=15, scale=(0.75, 1.2), shear=15, shift=(0.12, 0.12))
    return chain(moved, resize(size), brightness(0.6, 1.0), noise(0.1), beyond=-1.0)


def _blur(size: int, p: float | None) -> list:
    found = (0.5 if size > SMALL else 0.0) if p is None else p
    return [blur(0.1, 2.0, p=found)] if found else []
