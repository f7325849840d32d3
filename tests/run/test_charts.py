import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from likeness.run.charts import (
    DRAWN,
    Series,
    calibration_chart,
    line_chart,
    linear,
    logarithmic,
    spans_decades,
    thinned,
)

FINITE = st.floats(-1e12, 1e12, allow_nan=False)


def draw(*series: Series, mark: tuple[float, float] | None = None) -> str:
    return line_chart(series, title="a title", x="iteration", y="loss", mark=mark)


def points(html: str, kind: str) -> list[list[tuple[float, float]]]:
    found = re.findall(rf'class="{kind} s\d" points="([^"]*)"', html)
    return [[tuple(map(float, p.split(","))) for p in one.split()] for one in found]  # type: ignore[misc]


def test_the_drawing_is_well_formed_and_titled() -> None:
    html = draw(Series("<critic>", [1, 2, 3], [0.5, 0.7, 0.5]), Series("generator", [1, 2, 3], [1, 2, 3]))
    tree = ET.fromstring(html)
    assert tree.findtext("figcaption") == "a title"
    assert [li[0].tail for li in tree.iter("li")] == ["<critic>", "generator"]
    svg = next(tree.iter("svg"))
    assert "<critic> from 0.5 to 0.5" in svg.attrib["aria-label"]
    assert {"iteration", "loss"} <= {t.text for t in svg.iter("text")}


def test_higher_values_stand_higher_and_later_ones_to_the_right() -> None:
    (line,) = points(draw(Series("a", [0, 10, 20], [1.0, 3.0, 2.0])), "line")
    (x0, y0), (x1, y1), (x2, y2) = line
    assert x0 < x1 < x2
    assert x2 - x1 == pytest.approx(x1 - x0, abs=0.2)
    assert y1 < y2 < y0  # pixels count downwards
    assert y2 - y1 == pytest.approx(y0 - y2, abs=0.2)


def test_decades_are_drawn_logarithmically_and_said() -> None:
    html = draw(Series("a", [0, 1, 2], [1.0, 10.0, 100.0]))
    ((_, y0), (_, y1), (_, y2)) = points(html, "line")[0]
    assert y1 - y0 == pytest.approx(y2 - y1, abs=0.2)
    assert "loss (logarithmic)" in html
    assert "(logarithmic)" not in draw(Series("a", [0, 1, 2], [0.0, 10.0, 100.0])), "zero has no logarithm"


def test_one_outlier_among_many_values_does_not_make_decades() -> None:
    assert spans_decades([1.0, 10.0, 100.0])
    assert not spans_decades([1e-4] + [1.0, 2.0] * 20)
    assert not spans_decades([-1.0, 1.0, 100.0])


@given(st.lists(FINITE, min_size=1, max_size=20))
def test_linear_scales_hold_all_values_and_have_few_ticks(values: list[float]) -> None:
    scale = linear(values, 0, 100)
    assert all(-1e-6 <= scale.place(v) <= 100 + 1e-6 for v in values)
    assert 2 <= len(scale.ticks) <= 8


@given(st.lists(st.floats(1e-12, 1e12), min_size=2, max_size=20).filter(lambda v: max(v) / min(v) >= 30))
def test_logarithmic_scales_hold_all_values_and_have_few_ticks(values: list[float]) -> None:
    scale = logarithmic(values, 0, 100)
    assert all(-1e-6 <= scale.place(v) <= 100 + 1e-6 for v in values)
    assert 2 <= len(scale.ticks) <= 9


def test_long_curves_are_thinned_to_means_within_their_range() -> None:
    n = 10_007
    s = thinned(Series("a", list(range(n)), [float(i % 2) for i in range(n)]))
    assert len(s.x) == len(s.y) == len(s.low) == DRAWN
    assert all(lo <= y <= hi for lo, y, hi in zip(s.low, s.y, s.high))
    assert max(abs(y - 0.5) for y in s.y) < 0.01
    assert all(a < b for a, b in pairwise(s.x))
    assert len(draw(Series("a", list(range(n)), [float(i) for i in range(n)]))) < 20_000


def test_an_interval_is_a_band_around_the_line() -> None:
    html = draw(Series("a", [0, 1], [2.0, 3.0], [1.0, 2.5], [4.0, 3.5]))
    band, line = points(html, "band")[0], points(html, "line")[0]
    assert len(band) == 4
    assert band[0][1] < line[0][1] < band[3][1]


def test_the_best_place_is_marked_on_the_curve() -> None:
    html = draw(Series("a", [0, 1, 2], [3.0, 1.0, 2.0]), mark=(1, 1.0))
    x, y = map(float, re.search(r'<circle class="mark" cx="([\d.]+)" cy="([\d.]+)"', html).groups())  # type: ignore[union-attr]
    assert points(html, "line")[0][1] == (x, y)
    assert "best checkpoint" in html


def test_constant_and_single_values_are_drawn() -> None:
    for value in (0.0, -2.5, 1e-30):
        ET.fromstring(draw(Series("a", [5], [value])))
        ET.fromstring(draw(Series("a", [5, 6], [value, value])))


def test_a_curve_that_hardly_moves_is_flat_and_has_short_ticks() -> None:
    html = draw(Series("a", [0, 1, 2], [33.10192776, 33.10192775, 33.10192775]))
    heights = [y for _, y in points(html, "line")[0]]
    assert max(heights) - min(heights) < 1
    ticks = re.findall(r'text-anchor="end">([^<]*)<', html)
    assert len(set(ticks)) == len(ticks)
    assert all(len(t) <= 6 for t in ticks)
    moving = draw(Series("a", [0, 1], [1.0, 1.01]))
    assert points(moving, "line")[0][0][1] - points(moving, "line")[0][1][1] > 100


def test_nothing_to_draw_is_nothing() -> None:
    assert draw() == ""
    assert draw(Series("a", [], [])) == ""


def test_a_calibrated_ratio_lies_on_the_diagonal() -> None:
    html = calibration_chart([(0.1, 0.1, 10), (0.9, 0.9, 40)], title="t", x="x", y="y")
    ideal = re.search(r'class="ideal" x1="([\d.]+)" y1="([\d.]+)" x2="([\d.]+)" y2="([\d.]+)"', html)
    x1, y1, x2, y2 = map(float, ideal.groups())  # type: ignore[union-attr]
    for x, y in points(html, "line")[0]:
        assert (x - x1) / (x2 - x1) == pytest.approx((y - y1) / (y2 - y1), abs=1e-3)
    small, large = map(float, re.findall(r'<circle class="dot s0" [^>]* r="([\d.]+)"', html))
    assert small < large
    ET.fromstring(html)
