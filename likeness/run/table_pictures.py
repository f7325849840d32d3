"""Tables as PNG files: each column by itself, draws over data, and the associations of all pairs side by side."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor

from likeness.data.columns import Category, Columns, Number
from likeness.judge.tables import association
from likeness.run.pictures import DATA, FAINT, INK, MARGIN, SAMPLE, bars, blank, calm, foot, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN, ACROSS, BINS = 24, 4, 30  # columns at most, how many in a row, bars of a number
TAIL = 0.005  # share of the data that may lie outside on either side: long tails would leave no room for the rest


def marginals(
    x: Float[Tensor, "n d"], path: Path, columns: Columns, *, reference: Float[Tensor, "m d"] | None = None
) -> Path:
    """The columns in their own units: numbers as histograms, categories as bars, and how many values are missing.

    What the reference holds, if given, stands behind and sets the frame.
    """
    shown = columns.columns[:SHOWN]
    across = min(len(shown), ACROSS)
    figure = blank(2.0 * across, 1.55 * math.ceil(len(shown) / across) + 0.4)
    widths = [column.width for column in columns.columns]
    own = x.detach().cpu().split(widths, dim=1)
    real = own if reference is None else reference.detach().cpu().split(widths, dim=1)
    for j, column in enumerate(shown):
        axes = calm(figure.add_subplot(math.ceil(len(shown) / across), across, j + 1))
        behind = None if reference is None else real[j]
        (_number if isinstance(column, Number) else _category)(axes, column, own[j], behind)  # type: ignore[arg-type]
        axes.set_ylabel("share" if j % across == 0 else "")
    left_out = len(columns.columns) - len(shown)
    foot(figure, figure.axes[0], f"{left_out} more columns are not shown" if left_out else "")
    return save(figure, path)


def _number(axes: "Axes", column: Number, x: Tensor, reference: Tensor | None) -> None:
    base = _values(column, x if reference is None else reference)
    frame = _frame(base)
    if reference is not None:
        bars(axes, _values(column, reference), frame, BINS, color=DATA, label="data")
    bars(axes, _values(column, x), frame, BINS, color=SAMPLE, histtype="step", lw=1.5, label="samples")
    axes.set(xlim=frame)
    missing = [float((part[:, 1] > 0.5).float().mean()) for part in (reference, x) if part is not None and column.gaps]
    gaps = f"\n{' → '.join(f'{share:.0%}' for share in missing)} missing" if missing else ""
    axes.set_xlabel(f"{column.name}{gaps}")


def _values(column: Number, block: Tensor) -> Tensor:
    """The numbers that are there, in the units of the table."""
    values = block[:, 0].double() * column.std + column.mean
    return values[block[:, 1] <= 0.5] if column.gaps else values


def _frame(values: Tensor) -> tuple[float, float]:
    if not len(values):
        return 0.0, 1.0
    ends = values[:100_000].quantile(torch.tensor([TAIL, 1 - TAIL], dtype=values.dtype))
    low, high = ends.tolist()
    pad = (high - low) * MARGIN or 1.0
    return low - pad, high + pad


def _category(axes: "Axes", column: Category, x: Tensor, reference: Tensor | None) -> None:
    places = range(column.width)
    if reference is not None:
        axes.bar(places, _shares(reference), 0.8, color=DATA, label="data")
    axes.bar(places, _shares(x), 0.8, fill=False, edgecolor=SAMPLE, lw=1.5, label="samples")
    names = ["missing" if value is None else str(value) for value in column.values]
    crowded = sum(map(len, names)) > 22
    turn: dict[str, Any] = {"rotation": 60, "ha": "right", "rotation_mode": "anchor"} if crowded else {}
    axes.set_xticks(places, [name[:12] for name in names], **turn)
    axes.set_xlabel(column.name)


def _shares(block: Tensor) -> list[float]:
    return block.float().mean(0).tolist()


def associations(subjects: Mapping[str, Float[Tensor, "n d"]], path: Path, columns: Columns) -> Path:
    """The associations of all pairs of columns, a matrix for each subject; others are held to the first."""
    found = {name: association(x, columns) for name, x in subjects.items()}
    names, first = next(iter(found.values()))
    pairs = len(names) * (len(names) - 1)
    side = max(2.2, 0.16 * len(names))
    figure = blank((side + 0.1) * len(found) + 1.1, side + 1.3)
    for j, (subject, (_, A)) in enumerate(found.items()):
        axes = calm(figure.add_subplot(1, len(found), j + 1))
        shown = axes.imshow(A.numpy(), cmap="RdBu", vmin=-1, vmax=1)
        axes.set_xticks(range(len(names)), names, rotation=90)
        axes.set_yticks(range(len(names)), names if j == 0 else [""] * len(names))
        axes.tick_params(labelsize=5.5, length=0)
        away = f"\n{float((A - first).abs().sum()) / max(1, pairs):.3f} off on average" if j else "\n"
        axes.set_title(f"{subject}{away}", color=INK, fontsize=7.5)
    bar = figure.colorbar(shown, ax=figure.axes, shrink=0.6, aspect=30)
    bar.ax.tick_params(labelsize=6, colors=INK, color=FAINT)
    bar.outline.set_visible(False)
    return save(figure, path)
