"""Pictures of a sweep as inline SVG: how the best came about, what it costs, and what each setting does."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

from likeness.run.charts import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Real,
    Scale,
    axes,
    figure,
    linear,
    logarithmic,
    spans_decades,
)


class Dot(NamedTuple):
    """A trial: where it stands, its number, and which of the colours it has."""

    x: Real
    y: Real
    number: int
    colour: int = 0


class Axis(NamedTuple):
    """An axis in words; `log` where it goes by ratios, the vertical one if the values span decades."""

    name: str
    log: bool = False


def scatter(
    dots: Sequence[Dot],
    *,
    title: str,
    x: Axis,
    y: Axis,
    best: int | None,
    line: Sequence[tuple[Real, Real]] = (),
    keys: Sequence[tuple[str, str]] = (),
) -> str:
    """Trials as dots, the best of them marked, with a line through some places; nothing where there are no dots."""
    if not dots:
        return ""
    across = (logarithmic if x.log else linear)([d.x for d in dots], LEFT, WIDTH - RIGHT)
    up, name = upward([d.y for d in dots], y)
    body = axes(across, up, x.name + (" (logarithmic)" if x.log else ""), name)
    if line:
        path = " ".join(f"{across.place(a):.1f},{up.place(b):.1f}" for a, b in line)
        body += f'<polyline class="line s1" points="{path}"/>'
    body += "".join(_dot(across.place(d.x), up.place(d.y), d, best, d.x) for d in dots)
    return figure(title, body, [*keys, *_mark(best)], f"{len(dots)} trials")


def strip(options: Sequence[str], dots: Sequence[tuple[str, Dot]], *, title: str, y: Axis, best: int | None) -> str:
    """Trials as dots above the option that they tried, side by side where there are many."""
    if not dots:
        return ""
    wide = (WIDTH - RIGHT - LEFT) / len(options)
    up, name = upward([d.y for _, d in dots], y)
    body = axes(Scale(lambda v: v, ()), up, "", name)
    for i, option in enumerate(options):
        middle, own = LEFT + (i + 0.5) * wide, [d for o, d in dots if o == option]
        turn = f' transform="rotate(-14 {middle:.1f} {HEIGHT - BOTTOM + 20})"' if len(options) > 3 else ""
        place = f'x="{middle:.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle"'
        body += f'<text class="tick" {place}{turn}>{escape(option)}</text>'
        for k, d in enumerate(own):
            beside = (k - (len(own) - 1) / 2) * min(9.0, 0.7 * wide / len(own))
            body += _dot(middle + beside, up.place(d.y), d, best, option)
    return figure(title, body, _mark(best), f"{len(dots)} trials")


def bars(shares: Mapping[str, float], *, title: str) -> str:
    """Shares of one as bars, in the order given."""
    if not shares:
        return ""
    step, start, body = 30, 150, ""
    longest = WIDTH - start - 60
    for i, (name, share) in enumerate(shares.items()):
        y = TOP + i * step
        body += f'<text class="name" x="{start - 10}" y="{y + 14}" text-anchor="end">{escape(name)}</text>'
        body += f'<rect class="bar" x="{start}" y="{y}" width="{max(1.0, share * longest):.1f}" height="18"/>'
        body += f'<text x="{start + share * longest + 8:.1f}" y="{y + 14}">{100 * share:.0f} %</text>'
    heard = "; ".join(f"{name} {100 * share:.0f} %" for name, share in shares.items())
    made = figure(title, body, (), heard)
    return made.replace(f"0 0 {WIDTH} {HEIGHT}", f"0 0 {WIDTH} {TOP + step * len(shares)}")


def upward(values: Sequence[Real], y: Axis) -> tuple[Scale, str]:
    """The vertical scale, by ratios where they may be shown so and span decades, and its name, which then says so."""
    decades = y.log and spans_decades(values)
    scale = (logarithmic if decades else linear)(values, HEIGHT - BOTTOM, TOP)
    return scale, y.name + (" (logarithmic)" if decades else "")


def _dot(across: Real, up: Real, d: Dot, best: int | None, x: object) -> str:
    place = f'cx="{across:.1f}" cy="{up:.1f}"'
    told = f"<title>trial {d.number}: {x:.6g}, {d.y:.6g}</title>" if isinstance(x, float | int) else ""
    told = told or f"<title>trial {d.number}: {escape(str(x))}, {d.y:.6g}</title>"
    body = f'<circle class="dot s{d.colour}" {place} r="4">{told}</circle>'
    return body + (f'<circle class="mark" {place} r="8"/>' if d.number == best else "")


def _mark(best: int | None) -> list[tuple[str, str]]:
    return [] if best is None else [("mark", "best trial")]
