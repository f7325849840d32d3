"""SeqCLR: contrast for sequences, in which a part of a line has to tell its other view from all other parts.

    instances   z = m(g(f(x))):  frames f(x), projected by g, averaged over spans by the mapping m         (1)
    m           all: the whole line;  window(T′): T′ spans of nearly equal length;  frame: every frame     (2)
    minimised   −log e^{z_i·z_j/τ} / Σ_{k≠i} e^{z_i·z_k/τ},   the mean of both directions                  (3)

z_j is the same instance in the other view; the sum runs over all instances of both views of the batch, so that other
parts of the same line, which share its hand and its paper, are negatives too. Views must keep the order of the line
from left to right and nearly the places in it (`likeness.data.line_views`): a flip or a shift would pair an instance
with another part.

The frames of a line end where its ink does, and a little further: the paper that fills it up is no instance. A line of
fewer frames than windows has an instance for each frame.

Aviad Aberdam, Ron Litman, Shahar Tsiper, Oron Anschel, Ron Slossberg, Shai Mazor, R. Manmatha, Pietro Perona.
Sequence-to-Sequence Contrastive Learning for Text Recognition. 2021. https://arxiv.org/abs/2012.10873
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from likeness.core import Method, Update
from likeness.data.batch import Batch
from likeness.data.lines import extents
from likeness.errors import InputError
from likeness.nn.modes import evaluating
from likeness.represent.contrast import Viewing, check_temperature, two_views
from likeness.represent.pairs import everyone, log_sum_exp, places
from likeness.represent.sphere import check_others, check_sphere, normalise

# How many frames each line has (n,), and T of the canvas, to the weights (n, k, T) of k instances: a row sums to one,
# or to zero where a line has no such instance.
Mapping = Callable[[Tensor, int], Tensor]


def whole_line(frames: Int[Tensor, " n"], T: int) -> Float[Tensor, "n 1 T"]:
    """All frames are one instance: whole lines are compared, as in NT-Xent."""
    return window(1)(frames, T)


def window(count: int = 5) -> Mapping:
    """`count` spans of nearly equal length, which overlap by a frame where it does not divide the length.

    Raises:
        InputError: no window; or, when called, lines with fewer frames than windows.
    """
    if count < 1:
        raise InputError(f"window({count}): give one window or more")

    def mapping(frames: Int[Tensor, " n"], T: int) -> Float[Tensor, "n k T"]:
        if count > T:
            raise InputError(
                f"text lines of {T} frames are shorter than {count} windows: use at most {T} windows, or wider images"
            )
        k = torch.minimum(frames, torch.tensor(count, device=frames.device))[:, None]
        j, length = torch.arange(count, device=frames.device), frames[:, None]
        left, right = j * length // k, -((j + 1) * -length // k)  # rounded down, and up
        t = torch.arange(T, device=frames.device)
        inside = (t >= left[..., None]) & (t < right[..., None]) & (j < k)[..., None]
        return inside / inside.sum(2, keepdim=True).clamp(min=1)  # (2)

    return mapping


def each_frame(frames: Int[Tensor, " n"], T: int) -> Float[Tensor, "n T T"]:
    """Every frame is an instance."""
    return window(T)(frames, T)


def sequence_contrast(
    z1: Float[Tensor, "n k d"],
    z2: Float[Tensor, "n k d"],
    there: Bool[Tensor, "n k"],
    *,
    tau: float = 0.1,
    block: int | None = None,
) -> Float[Tensor, " n"]:
    """Of each line, the mean over the instances that are there; `block` as in `pairs.log_sum_exp`.

    Raises:
        InputError: instances that are not of length one, or τ not above zero.
    """
    check_temperature(tau)
    mine = there.flatten()
    every = everyone(mine.float()).bool()
    a, b = z1.flatten(0, 1), z2.flatten(0, 1)
    check_sphere(a[mine], b[mine])
    candidates = torch.cat((everyone(a)[every], everyone(b)[every]))
    own = (every.cumsum(0) - 1)[places(a)][mine]  # the place of each instance among those that are there
    own, (a, b) = torch.cat((own, own + len(candidates) // 2)), (a[mine], b[mine])
    others = log_sum_exp(torch.cat((a, b)) / tau, candidates, own=own, block=block)
    values = others.view(2, -1).mean(0) - (a * b).sum(1) / tau  # (3)
    spread = torch.zeros(there.shape, dtype=values.dtype, device=values.device).masked_scatter(there, values)
    return spread.sum(1) / there.sum(1).clamp(min=1)


class SeqCLR(Method):
    """Encoder `f` (images (n, c, h, w) to frames (n, T, d), with `frames` and `mask` as `nn.LineEncoder` has them) and
    projection `g` of frames, which is left behind after training.

    Args:
        views: two views of lines that keep their order.
        instances: the mapping m of frames to instances: `whole_line`, `window(5)` or `each_frame`.
        tau: the temperature; that of the authors' code.
        block: instances compared at a time, in memory linear in their number; all at once if not given.

    Raises:
        InputError: τ is not above zero.
    """

    f: Any  # a module that has `frames` and `mask` too

    def __init__(
        self,
        f: nn.Module,
        g: nn.Module | None,
        views: Viewing,
        *,
        instances: Mapping | None = None,
        tau: float = 0.1,
        block: int | None = None,
    ) -> None:
        super().__init__()
        check_temperature(tau)
        self.f, self.g, self.views = f, nn.Identity() if g is None else g, views
        self.instances, self.tau, self.block = instances or window(), tau, block

    @property
    def d(self) -> int:
        """Numbers of a frame."""
        return int(self.f.d)

    def updates(self, batch: Batch) -> Iterator[Update]:
        check_others(batch.x.flatten(1), "contrast")
        views, widths = two_views(self.views, batch.x), extents(batch.x)
        yield self, lambda: {"contrast": self.contrast(*views, widths).mean()}

    def contrast(
        self, x1: Float[Tensor, "n c h w"], x2: Float[Tensor, "n c h w"], widths: Int[Tensor, " n"]
    ) -> Float[Tensor, " n"]:
        """The loss of two views of lines, whose own widths are given."""
        z1, z2 = (self.g(self.f(x, widths)) for x in (x1, x2))
        weights = self.instances(self.f.mask(widths, x1.shape[3]).sum(1), z1.shape[1])
        there = weights.sum(2) > 0
        z1, z2 = (_sphere(weights @ z, there) for z in (z1, z2))  # (1)
        return sequence_contrast(z1, z2, there, tau=self.tau, block=self.block)

    @torch.no_grad()
    def error(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, " n"]:
        """The loss of two views drawn of new lines, among themselves, in evaluation mode."""
        views = two_views(self.views, x)
        with evaluating(self):
            return self.contrast(*views, extents(x))

    @torch.no_grad()
    def frames(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n T d"]:
        """f(x) in evaluation mode; zero beyond the end of a line."""
        with evaluating(self.f):
            return self.f(x, extents(x))

    @torch.no_grad()
    def encode(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d"]:
        """The mean of the frames of each line."""
        return _pooled(self.frames(x), self.f.mask(extents(x), x.shape[3]))

    @torch.no_grad()
    def project(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n e"]:
        """The mean of the projected frames of each line, on the sphere."""
        with evaluating(self.g):
            h = self.g(self.frames(x))
        return normalise(_pooled(h, self.f.mask(extents(x), x.shape[3])))


def _pooled(h: Float[Tensor, "n T d"], mask: Bool[Tensor, "n T"]) -> Float[Tensor, "n d"]:
    return (whole_line(mask.sum(1), h.shape[1]) @ h).squeeze(1)


def _sphere(z: Float[Tensor, "n k d"], there: Bool[Tensor, "n k"]) -> Float[Tensor, "n k d"]:
    """Every instance that is there, divided by its length."""
    return torch.zeros_like(z).masked_scatter(there[..., None].expand_as(z), normalise(z[there]))
