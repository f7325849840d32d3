"""Every row is drawn where it belongs, names are escaped, and the density on the circle is where the points are."""

import re

import torch

from likeness.doctor import embedding_charts as charts


def test_every_point_is_drawn_inside_and_outliers_at_the_border() -> None:
    at = torch.randn(50, 2)
    at[0] = 1e6
    drawn = charts.scatter(at, torch.arange(50) % 2, ("<a>", "b"), title="T")
    places = re.findall(r'circle cx="([\d.]+)" cy="([\d.]+)"', drawn)
    assert len(places) == 50
    assert all(0 <= float(v) <= charts.SIDE for place in places for v in place)
    assert "&lt;a&gt;" in drawn
    assert "<a>" not in drawn


def test_the_band_is_widest_where_the_points_are() -> None:
    drawn = charts.circle(torch.full((30,), torch.pi / 2), None, (), title="T")
    path = re.search(r'points="([^"]+)"', drawn)[1].split()
    highest = min((tuple(map(float, p.split(","))) for p in path), key=lambda p: p[1])
    assert abs(highest[0] - charts.SIDE / 2) < 5
    assert drawn.count('r="2"') == 30


def test_bars_hold_all_values() -> None:
    values = torch.tensor([0, 0, 0, 1, 2, 2, 9])
    drawn = charts.histogram(values, title="T", x="x", y="y")
    heights = [float(h) for h in re.findall(r'class="bar"[^>]*height="([\d.]+)"', drawn)]
    assert len(heights) == 10
    assert heights[0] == max(heights)
    assert heights[3] == 0 < heights[9]
    assert charts.histogram(torch.zeros(5).long(), title="T", x="x", y="y").count('class="bar"') == 1
    assert charts.histogram(torch.tensor([0, 1000]), title="T", x="x", y="y").count('class="bar"') <= 30


def test_pictures_are_one_sheet_with_a_gap_behind_the_first() -> None:
    import base64
    import io

    from PIL import Image

    images = torch.stack([torch.full((1, 60, 60), v) for v in (-1.0, 1.0)])
    page = charts.neighbours(images, [[0, 1, 1], [1, 0, 0]], title="T", words="W")
    png = base64.b64decode(re.search(r"base64,([^\"]+)", page)[1])
    sheet = Image.open(io.BytesIO(png))
    assert sheet.size == (4 * 62 - 2, 2 * 62 - 2)
    assert [sheet.getpixel((62 * i + 30, 30)) for i in range(4)] == [0, 128, 255, 255]


def test_colours_differ() -> None:
    assert len({charts.colour(c, 12) for c in range(12)}) == 12
