"""Curves as inline SVG: crisp at any size, coloured by the page's style sheet, and described in words."""

import itertools
import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from html import escape
from typing import NamedTuple

Real = int | float

WIDTH, HEIGHT = 520, 300
LEFT, RIGHT, TOP, BOTTOM = 74, 22, 16, 46
FLAT = 1e-3  # of its size, what a curve has to move to be drawn as one that moves
DRAWN = 160  # places along a curve at most; more than that cannot be told apart


class Series(NamedTuple):
    """A curve: its places in order, and for each of them an interval where one is known."""

    name: str
    x: Sequence[Real]
    y: Sequence[Real]
    low: Sequence[Real] = ()
    high: Sequence[Real] = ()


class Scale(NamedTuple):
    """Where a value stands on the page, and the values to label."""

    place: Callable[[Real], float]
    ticks: Sequence[Real]


def line_chart(series: Sequence[Series], *, title: str, x: str, y: str, mark: tuple[Real, Real] | None = None) -> str:
    """Curves over one horizontal axis, as a figure.

    Args:
        series: curves of finite numbers. A long one is drawn as the means of stretches within a band of their range.
        title: what is seen, for those who see it and for those who have it read to them.
        x, y: the axes in words, with units. The vertical one is logarithmic where the values span decades, and
            says so.
        mark: the place of the best value.
    """
    curves = [thinned(s) for s in series if len(s.x)]
    if not curves:
        return ""
    across = linear([v for s in curves for v in s.x], LEFT, WIDTH - RIGHT, tight=True)
    heights = [v for s in curves for v in (*s.y, *s.low, *s.high)] + ([mark[1]] if mark else [])
    decades = spans_decades(heights)
    up = (logarithmic if decades else linear)(heights, HEIGHT - BOTTOM, TOP)
    body = axes(across, up, x, f"{y} (logarithmic)" if decades else y)
    for i, s in enumerate(curves):
        body += _curve(s, across, up, i % 6)
    if mark is not None:
        px, py = across.place(mark[0]), up.place(mark[1])
        body += f'<line class="mark" x1="{px:.1f}" x2="{px:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
        body += f'<circle class="mark" cx="{px:.1f}" cy="{py:.1f}" r="6"/>'
    keys = [(f"s{i % 6}", s.name) for i, s in enumerate(curves)] if len(curves) > 1 else []
    course = [f"{s.name} from {s.y[0]:.3g} to {s.y[-1]:.3g}" for s in series if len(s.y)]
    return figure(title, body, keys + ([("mark", "best checkpoint")] if mark else []), "; ".join(course))


def calibration_chart(curve: Sequence[tuple[Real, Real, Real]], *, title: str, x: str, y: str) -> str:
    """Predicted against observed shares, both in [0, 1]; the area of a point grows with the samples behind it."""
    across, up = linear([0, 1], LEFT, WIDTH - RIGHT, tight=True), linear([0, 1], HEIGHT - BOTTOM, TOP, tight=True)
    body = axes(across, up, x, y)
    body += f'<line class="ideal" x1="{LEFT}" y1="{HEIGHT - BOTTOM}" x2="{WIDTH - RIGHT}" y2="{TOP}"/>'
    most = max((n for _, _, n in curve), default=1) or 1
    places = [(across.place(p), up.place(o), 3 + 6 * math.sqrt(n / most)) for p, o, n in curve]
    body += f'<polyline class="line s0" points="{_path(places)}"/>'
    body += "".join(f'<circle class="dot s0" cx="{a:.1f}" cy="{b:.1f}" r="{r:.1f}"/>' for a, b, r in places)
    course = "; ".join(f"{o:.3g} where {p:.3g} was predicted" for p, o, _ in curve)
    keys = [("s0", "measured (area: samples)"), ("ideal", "perfect calibration")]
    return figure(title, body, keys, course)


def figure(title: str, body: str, keys: Sequence[tuple[str, str]], course: str) -> str:
    """A titled figure with a legend of `(class, name)` above the drawing, and its course for those who hear it."""
    legend = "".join(f'<li><i class="{kind}"></i>{escape(name)}</li>' for kind, name in keys)
    legend = f'<ul class="legend">{legend}</ul>' if legend else ""
    heard = escape(f"{title}: {course}")
    svg = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{heard}">{body}</svg>'
    return f'<figure class="chart"><figcaption>{escape(title)}</figcaption>{legend}{svg}</figure>'


def thinned(s: Series) -> Series:
    """At most `DRAWN` places: means of equal stretches, with the range of each as the interval."""
    if len(s.x) <= DRAWN:
        return s
    cuts = [round(i * len(s.x) / DRAWN) for i in range(DRAWN + 1)]
    spans = [slice(a, b) for a, b in itertools.pairwise(cuts)]
    low, high = (s.low, s.high) if s.low else (s.y, s.y)
    return Series(
        s.name,
        [sum(s.x[k]) / len(s.x[k]) for k in spans],
        [sum(s.y[k]) / len(s.y[k]) for k in spans],
        [min(low[k]) for k in spans],
        [max(high[k]) for k in spans],
    )


def spans_decades(values: Sequence[Real]) -> bool:
    """All values are positive, and without a twentieth at either end they span a factor of thirty or more."""
    inner = sorted(values)[len(values) // 20 : len(values) - len(values) // 20]
    return min(values) > 0 and inner[-1] / inner[0] >= 30


def linear(values: Sequence[Real], start: Real, end: Real, *, tight: bool = False) -> Scale:
    """From `start` to `end` in pixels, with round ticks; `tight` ends at the outermost values, else at a tick.

    Values that differ by less than a thousandth of their size are drawn as the flat line that they are, unless `tight`.
    """
    low, high = min(values), max(values)
    if not tight and 0 < high - low < (least := FLAT * max(abs(low), abs(high))):
        low, high = (low + high - least) / 2, (low + high + least) / 2
    if low == high:
        room = max(abs(low), 1e-300) / 2 if low else 0.5
        low, high = low - room, high + room
    step = _round_step((high - low) / 5)
    first, last = math.floor(low / step), math.ceil(high / step)
    if not tight:
        low, high = first * step, last * step
    ticks = [i * step for i in range(first, last + 1) if low - 1e-9 * step <= i * step <= high + 1e-9 * step]
    return Scale(lambda v: start + (end - start) * (v - low) / (high - low), ticks)


def logarithmic(values: Sequence[Real], start: Real, end: Real) -> Scale:
    """From `start` to `end` in pixels, over the next 1, 2 or 5 times a power of ten on either side."""
    round_ones = [m * 10.0**k for k in range(-300, 301) for m in (1, 2, 5)]
    first = bisect_right(round_ones, min(values)) - 1
    last = max(bisect_left(round_ones, max(values)), first + 1)  # a round number alone needs room too
    ticks = round_ones[first : last + 1]
    low, high = math.log10(ticks[0]), math.log10(ticks[-1])
    if len(ticks) > 9:  # whole decades, and not more of them than can be read
        decades = [t for t in ticks if math.log10(t) % 1 == 0]
        ticks = decades[:: math.ceil(len(decades) / 7)]
    return Scale(lambda v: start + (end - start) * (math.log10(v) - low) / (high - low), ticks)


def _round_step(rough: Real) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.999)


def axes(across: Scale, up: Scale, x: str, y: str) -> str:
    """The rules, ticks and names of both axes."""
    base, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    body = ""
    for v in up.ticks:
        at = up.place(v)
        body += f'<line class="rule" x1="{LEFT}" x2="{right}" y1="{at:.1f}" y2="{at:.1f}"/>'
        body += f'<text class="tick" x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{_tick(v)}</text>'
    for v in across.ticks:
        at = across.place(v)
        body += f'<text class="tick" x="{at:.1f}" y="{base + 18}" text-anchor="middle">{_tick(v)}</text>'
    middle = (TOP + base) / 2
    body += f'<text class="axis" x="{(LEFT + right) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{escape(x)}</text>'
    turn = f'transform="rotate(-90 14 {middle})"'
    return body + f'<text class="axis" x="14" y="{middle}" text-anchor="middle" {turn}>{escape(y)}</text>'


def _tick(v: Real) -> str:
    text = f"{v:.0e}".replace("e+0", "e").replace("e-0", "e−") if 0 < abs(v) < 1e-3 or abs(v) >= 1e7 else f"{v:,.10g}"
    return text.replace(",", "\u202f").replace("-", "−")


def _curve(s: Series, across: Scale, up: Scale, colour: int) -> str:
    at = [across.place(v) for v in s.x]
    line = list(zip(at, map(up.place, s.y)))
    body = ""
    if s.low:
        edge = list(zip(at, map(up.place, s.high))) + list(zip(at, map(up.place, s.low)))[::-1]
        body += f'<polygon class="band s{colour}" points="{_path(edge)}"/>'
    body += f'<polyline class="line s{colour}" points="{_path(line)}"/>'
    if len(line) <= 30:
        body += "".join(f'<circle class="dot s{colour}" cx="{a:.1f}" cy="{b:.1f}" r="2.5"/>' for a, b in line)
    return body


def _path(places: Sequence[Sequence[Real]]) -> str:
    return " ".join(f"{p[0]:.1f},{p[1]:.1f}" for p in places)
