"""Pictures show every trial, mark the best one, and survive one trial, equal scores and odd names."""

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from likeness.sweep.charts import Axis, Dot, bars, scatter, strip, upward

scores = st.floats(-1e6, 1e6, allow_nan=False) | st.sampled_from([0.0, 1.0, 1e-5, 100.0])


def places(figure: str, kind: str) -> list[tuple[float, float]]:
    ET.fromstring(figure.replace("&nbsp;", " "))  # well formed
    found = re.findall(rf'<circle class="{kind}[^"]*" cx="([^"]+)" cy="([^"]+)"', figure)
    return [(float(a), float(b)) for a, b in found]


@given(st.lists(st.tuples(st.floats(1e-6, 1e4), scores), min_size=1, max_size=9), st.booleans())
def test_every_trial_is_within_the_picture_and_the_best_is_marked(points: list, log: bool) -> None:
    dots = [Dot(x, y, i) for i, (x, y) in enumerate(points)]
    made = scatter(dots, title="t", x=Axis("x", log), y=Axis("y"), best=0)
    shown = places(made, "dot")
    assert len(shown) == len(dots)
    assert all(0 <= a <= 520 and 0 <= b <= 300 for a, b in shown)
    assert places(made, "mark") == shown[:1]


def test_better_scores_are_where_the_axis_says() -> None:
    made = scatter([Dot(1, 5.0, 0), Dot(2, 1.0, 1)], title="t", x=Axis("x"), y=Axis("y"), best=None)
    (a, high), (b, low) = places(made, "dot")
    assert a < b
    assert high < low, "up is more"
    assert not places(made, "mark")


def test_decades_are_shown_by_their_ratio_and_said_to_be() -> None:
    scale, name = upward([0.001, 0.1, 10.0], Axis("score", log=True))
    assert name == "score (logarithmic)"
    first, second, third = (scale.place(v) for v in (0.001, 0.1, 10.0))
    assert first - second == pytest.approx(second - third)
    assert upward([-1.0, 1.0, 1000.0], Axis("score", log=True))[1] == "score"
    assert upward([0.001, 0.1, 10.0], Axis("share"))[1] == "share"


def test_options_stand_side_by_side() -> None:
    dots = [("a", Dot(0, 1.0, 0)), ("<b>", Dot(0, 2.0, 1)), ("<b>", Dot(0, 2.0, 2))]
    made = strip(["a", "<b>"], dots, title="t", y=Axis("y"), best=1)
    (a, _), (b, _), (c, _) = places(made, "dot")
    assert a < b < c, "those of one option do not hide each other"
    assert "&lt;b&gt;" in made
    assert "<b>" not in made


def test_bars_are_as_long_as_their_shares() -> None:
    made = bars({"lr": 0.75, "width": 0.25}, title="t")
    widths = [float(w) for w in re.findall(r'<rect [^>]*width="([^"]+)"', made)]
    assert widths[0] == pytest.approx(3 * widths[1], rel=0.01)
    assert "75 %" in made


def test_nothing_is_drawn_of_nothing() -> None:
    assert scatter([], title="t", x=Axis("x"), y=Axis("y"), best=None) == ""
    assert strip(["a"], [], title="t", y=Axis("y"), best=None) == ""
    assert bars({}, title="t") == ""
