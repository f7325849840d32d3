"""Samples as PNG files: grids of images, scatter plots of the plane, histograms of other vectors."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from likeness.errors import InputError
from likeness.files import replacing

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SAMPLE, DATA, MODE = "#0072b2", "#b8bcc2", "#d55e00"  # Okabe and Ito: told apart by colour-blind readers too
INK, FAINT = "#3a3f45", "#d9dce0"
MARGIN = 0.15  # of the range of the data on each side, so that a miss can be seen
GAP, GAP_SHADE = 2, 128  # pixels between two tiles, and their grey


def picture(
    x: Float[Tensor, "n ..."],
    path: Path,
    *,
    reference: Float[Tensor, "m ..."] | None = None,
    modes: Float[Tensor, "k d"] | None = None,
) -> Path:
    """The picture that suits the shape of a sample: images in a grid, points in the plane, else histograms.

    Args:
        x: the samples; of images the first 64 are shown, of points the first 5 000.
        path: the PNG file, written whole or not at all; its folder is made.
        reference: real data. It is drawn behind points and histograms and sets their frame, so pictures that
            share a reference (and the picture of that reference itself) can be laid side by side.
        modes: where the truth is known, the centres to mark in the plane.
    """
    if x.ndim == 4:
        return grid(x[:64], path, columns=8)
    flat = x.flatten(1)
    behind = None if reference is None else reference.flatten(1)
    if flat.shape[1] == 2:
        return scatter(flat[:5000], path, reference=None if behind is None else behind[:5000], modes=modes)
    return histograms(flat, path, reference=behind)


def grid(x: Float[Tensor, "n c h w"], path: Path, *, columns: int | None = None) -> Path:
    """Images in [-1, 1], row by row; small ones are enlarged by a whole factor, without blur.

    Raises:
        InputError: there is no image, or the images have neither one channel nor three.
    """
    from PIL import Image

    if len(x) < 1 or x.shape[1] not in (1, 3):
        raise InputError(f"cannot draw images of shape {tuple(x.shape)}: give one or more with 1 or 3 channels")
    columns = min(len(x), columns or math.ceil(math.sqrt(len(x))))
    scale = max(1, round(512 / (columns * x.shape[3])))
    tiles = pixels(x).repeat_interleave(scale, 2).repeat_interleave(scale, 3)
    sheet = tiled(tiles, columns).permute(1, 2, 0).numpy()
    with replacing(path) as beside:
        Image.fromarray(sheet.squeeze(-1) if sheet.shape[-1] == 1 else sheet).save(beside, "PNG", optimize=True)
    return path


def pixels(x: Float[Tensor, "n c h w"]) -> UInt8[Tensor, "n c h w"]:
    """[-1, 1] to 0 … 255; what lies outside is clipped, what is not a number is mid-grey."""
    return x.detach().cpu().float().nan_to_num(nan=0.0).add(1).mul(127.5).round().clamp(0, 255).byte()


def tiled(x: UInt8[Tensor, "n c h w"], columns: int) -> UInt8[Tensor, "c height width"]:
    """The images laid out row by row with `GAP` pixels between them; places without an image stay grey."""
    n, c, h, w = x.shape
    rows = math.ceil(n / columns)
    sheet = x.new_full((rows * columns, c, h + GAP, w + GAP), GAP_SHADE)
    sheet[:n, :, :h, :w] = x
    sheet = sheet.reshape(rows, columns, c, h + GAP, w + GAP).permute(2, 0, 3, 1, 4)
    return sheet.reshape(c, rows * (h + GAP), columns * (w + GAP))[:, :-GAP, :-GAP]


def scatter(
    x: Float[Tensor, "n 2"],
    path: Path,
    *,
    reference: Float[Tensor, "m 2"] | None = None,
    modes: Float[Tensor, "k 2"] | None = None,
) -> Path:
    """Points in the plane, framed by the reference (by themselves without one); how many fall outside is said."""
    x, low, high = _framed(x, reference)
    figure = blank(3.6, 3.96)
    figure.set_layout_engine("none")
    axes = calm(figure.add_axes((0.13, 0.22, 0.84, 0.76)))  # a fixed place, so that pictures line up
    if reference is not None:
        axes.scatter(*_xy(reference), s=3, c=DATA, lw=0, label="data")
    axes.scatter(*_xy(x), s=3.5, c=SAMPLE, alpha=0.55, lw=0, label="samples")
    if modes is not None:
        axes.scatter(*_xy(modes), s=26, c=MODE, marker="+", lw=1, label="modes of the truth")
    (left, bottom), (right, top) = low.tolist(), high.tolist()
    axes.set(xlim=(left, right), ylim=(bottom, top), xlabel="x₁", ylabel="x₂")
    if 0.2 < (right - left) / (top - bottom) < 5:
        axes.set_aspect("equal")
    foot(figure, axes, _outside(x, low, high))
    return save(figure, path)


def histograms(
    x: Float[Tensor, "n d"],
    path: Path,
    *,
    reference: Float[Tensor, "m d"] | None = None,
) -> Path:
    """The marginals of the first twelve columns, in one frame a column with those of the reference."""
    x, low, high = _framed(x, reference)
    shown = min(12, x.shape[1])
    across = min(shown, 3)
    down = math.ceil(shown / across)
    figure = blank(3.6 if shown == 1 else 2.0 * across, 3.0 if shown == 1 else 1.5 * down + 0.5)
    for j in range(shown):
        axes = calm(figure.add_subplot(down, across, j + 1))
        frame, bins = (float(low[j]), float(high[j])), 50 if shown == 1 else 30
        if reference is not None:
            bars(axes, reference[:, j].detach().cpu(), frame, bins, color=DATA, label="data")
        bars(axes, x[:, j], frame, bins, color=SAMPLE, histtype="step", lw=1.5, label="samples")
        axes.set(xlim=frame, xlabel="x" if shown == 1 else f"column {j + 1}")
        axes.set_ylabel("share of samples" if j % across == 0 else "")
    foot(figure, figure.axes[0], _outside(x[:, :shown], low[:shown], high[:shown]))
    return save(figure, path)


def bars(axes: "Axes", values: Tensor, frame: tuple[float, float], bins: int, **look: Any) -> None:
    """Shares of all values, so that mass outside the frame is missing instead of hidden."""
    finite = values[values.isfinite()].numpy()
    axes.hist(finite, bins=bins, range=frame, weights=[1 / len(values)] * len(finite), **look)


def _framed(x: Tensor, reference: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """The samples on the CPU with the corners of their frame: the range of the data and a margin.

    Raises:
        InputError: there is no finite row to make a frame from.
    """
    x = x.detach().cpu()
    base = x if reference is None else reference.detach().cpu()
    base = base[base.isfinite().all(1)]
    if not len(base):
        raise InputError(f"cannot draw {len(x)} samples: not one of them is finite")
    low, high = base.amin(0), base.amax(0)
    pad = ((high - low) * MARGIN).where(high > low, torch.ones(()))
    return x, low - pad, high + pad


def _xy(points: Tensor) -> "tuple[np.ndarray, np.ndarray]":
    x, y = points.detach().cpu().float().unbind(1)
    return x.numpy(), y.numpy()


def _outside(x: Tensor, low: Tensor, high: Tensor) -> str:
    count = int((~((x >= low) & (x <= high)).all(1)).sum())  # a NaN compares false: it is counted too
    return f"{count:,} of {len(x):,} samples lie outside the frame" if count else ""


def blank(width: float, height: float) -> "Figure":
    """An empty figure of so many inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=220, layout="constrained")


def calm(axes: "Axes") -> "Axes":
    """Axes that leave the ink to what they show."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.tick_params(colors=INK, labelsize=7.5, color=FAINT, length=3)
    axes.xaxis.label.set(color=INK, size=8)
    axes.yaxis.label.set(color=INK, size=8)
    return axes


def foot(figure: "Figure", axes: "Axes", note: str) -> None:
    """The legend, where there is more than one thing to tell apart, and a note below it."""
    handles, labels = axes.get_legend_handles_labels()
    if len(labels) < 2:
        handles, labels = [], []
    look: dict[str, Any] = {"frameon": False, "fontsize": 7.5, "title_fontsize": 7.5, "labelcolor": INK}
    look |= {"ncols": 3, "markerscale": 2, "columnspacing": 1.4, "handletextpad": 0.5}
    where: Any = "outside lower center" if figure.get_layout_engine() else "lower center"
    legend = figure.legend(handles, labels, loc=where, title=note or " ", **look)
    legend.get_title().set_color(INK)


def save(figure: "Figure", path: Path) -> Path:
    """As a PNG, whole or not at all."""
    with replacing(path) as beside:
        figure.savefig(beside, format="png")
    return path
