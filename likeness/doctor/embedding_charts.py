"""Pictures of features, for a page: a map with its classes, the circle, a histogram, neighbours as pictures."""

import base64
import io
import math
from collections.abc import Sequence
from html import escape

import torch
from jaxtyping import Float, Int
from torch import Tensor

from likeness.run.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, axes, figure, linear
from likeness.run.pictures import pixels, tiled

SIDE, ROOM = 520, 26
KAPPA = 40.0  # of the density on the circle: about nine degrees


def scatter(
    at: Float[Tensor, "n 2"], y: Int[Tensor, " n"] | None, names: Sequence[str], *, title: str, note: str = ""
) -> str:
    """Points in the plane, coloured by class, each class named where its points have their median."""
    low, high = at.double().quantile(0.002, 0), at.double().quantile(0.998, 0)
    size = float((high - low).max()) or 1.0
    middle = (low + high) / 2
    place = ((at.double() - middle) / size).clamp(-0.5, 0.5) * (SIDE - 2 * ROOM) + SIDE / 2
    place[:, 1] = SIDE - place[:, 1]
    body = "".join(
        f'<circle cx="{a:.1f}" cy="{b:.1f}" r="2.4" style="fill:{colour(c, len(names))};opacity:.65"/>'
        for (a, b), c in zip(place.tolist(), [0] * len(at) if y is None else y.tolist())
    )
    if y is not None and len(names) <= 40:
        body += _names(place, y, names)
    return _square(title, body, note)


def circle(angle: Float[Tensor, " n"], y: Int[Tensor, " n"] | None, names: Sequence[str], *, title: str) -> str:
    """Features of length one in the plane: where they lie on the circle, and how densely, as a band around it."""
    radius, wide = SIDE * 0.27, SIDE * 0.16
    grid = torch.linspace(0, 2 * math.pi, 181, dtype=torch.float64)
    density = (KAPPA * (torch.cos(grid[:, None] - angle.double()) - 1)).exp().mean(1)
    level = density / density.max()
    ring = [_polar(a, radius + 8 + wide * v) for a, v in zip(grid.tolist(), level.tolist())]
    back = [_polar(a, radius + 8) for a in reversed(grid.tolist())]
    path = " ".join(f"{a:.1f},{b:.1f}" for a, b in ring + back)
    body = f'<polygon class="band s0" points="{path}"/>'
    body += f'<circle class="rule" style="fill:none" cx="{SIDE / 2}" cy="{SIDE / 2}" r="{radius}"/>'
    own = [0] * len(angle) if y is None else y.tolist()
    for a, c in zip(angle.tolist(), own):
        px, py = _polar(a, radius - 5 - 9 * (c % 5))
        body += f'<circle cx="{px:.1f}" cy="{py:.1f}" r="2" style="fill:{colour(c, len(names))};opacity:.6"/>'
    if y is not None and len(names) <= 40:
        inner = torch.stack([torch.tensor(_polar(a, radius * 0.6)) for a in angle.tolist()]).double()
        body += _names(inner, y, names)
    return _square(title, body, "The band outside shows how many there are; an even band is a uniform law.")


def histogram(values: Int[Tensor, " n"], *, title: str, x: str, y: str) -> str:
    """How many of the values there are of each size, up to the largest, in thirty bars at most."""
    top = int(values.max()) + 1
    width = max(1, math.ceil(top / 30))
    counts = (values // width).bincount(minlength=math.ceil(top / width)).tolist()
    across = linear([0, width * len(counts)], LEFT, WIDTH - RIGHT, tight=True)
    up = linear([0, max(counts)], HEIGHT - BOTTOM, TOP)
    body = axes(across, up, x, y)
    for i, n in enumerate(counts):
        a, b = across.place(i * width), across.place((i + 1) * width)
        high = max(up.place(0) - up.place(n), 1.5 if n else 0)
        body += (
            f'<rect class="bar" x="{a + 0.5:.1f}" y="{up.place(0) - high:.1f}" width="{max(1, b - a - 1):.1f}"'
            f' height="{high:.1f}"/>'
        )
    return figure(title, body, [], f"from 0 to {top - 1}, {max(counts)} rows in the highest bar")


def neighbours(images: Float[Tensor, "n c h w"], rows: Sequence[Sequence[int]], *, title: str, words: str) -> str:
    """A line of pictures for each list of rows: the sample itself, then those nearest to it."""
    from PIL import Image

    grey = torch.full_like(images[:1], torch.nan)  # a gap behind the sample itself
    picked = torch.cat([part for row in rows for part in (images[row[:1]], grey, images[row[1:]])])
    scale = max(1, round(60 / picked.shape[3]))
    tiles = pixels(picked).repeat_interleave(scale, 2).repeat_interleave(scale, 3)
    sheet = tiled(tiles, len(rows[0]) + 1).permute(1, 2, 0).numpy()
    file = io.BytesIO()
    Image.fromarray(sheet.squeeze(-1) if sheet.shape[-1] == 1 else sheet).save(file, "PNG", optimize=True)
    source = f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
    image = f'<img style="max-width:100%;image-rendering:pixelated" src="{source}" alt="{escape(title)}">'
    return f"<figure><figcaption>{escape(title)}</figcaption>{image}<small>{escape(words)}</small></figure>"


def colour(c: int, classes: int) -> str:
    """Of class c: hues around the wheel, every other one lighter."""
    return "var(--s0)" if classes < 2 else f"hsl({360 * c / classes:.0f} {70 if c % 2 else 85}% {58 if c % 2 else 42}%)"


def _polar(angle: float, radius: float) -> tuple[float, float]:
    return SIDE / 2 + radius * math.cos(angle), SIDE / 2 - radius * math.sin(angle)


def _names(place: Tensor, y: Tensor, names: Sequence[str]) -> str:
    halo = "font-weight:650;paint-order:stroke;stroke:var(--paper);stroke-width:4px;stroke-linejoin:round"
    body = ""
    for c in y.unique().tolist():
        a, b = place[y == c].median(0).values.tolist()
        body += (
            f'<text class="name" x="{a:.1f}" y="{b:.1f}" text-anchor="middle" style="{halo}">{escape(names[c])}</text>'
        )
    return body


def _square(title: str, body: str, note: str) -> str:
    below = f"<small>{escape(note)}</small>" if note else ""
    heard = escape(f"{title}. {note}")
    svg = f'<svg viewBox="0 0 {SIDE} {SIDE}" role="img" aria-label="{heard}">{body}</svg>'
    return f'<figure class="chart"><figcaption>{escape(title)}</figcaption>{svg}{below}</figure>'
