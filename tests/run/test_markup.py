import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from likeness.run.markup import ABSENT, anything, decimals, estimate, facts, flat, interval, number, section, shown

NUMBERS = st.one_of(st.integers(-(10**12), 10**12), st.floats(allow_nan=False, allow_infinity=False))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3950, "3\u202f950"),
        (-3, "−3"),
        (3.1374999, "3.14"),
        (84.912345, "84.9"),
        (5031.24567, "5\u202f031"),
        (0.0002, "0.0002"),
        (0.95, "0.95"),
        (1.23456e-5, "1.23 × 10<sup>−5</sup>"),
        (0.0, "0.0"),
    ],
)
def test_numbers_for_the_eye(value: int | float, text: str) -> None:
    assert shown(value) == text


@given(NUMBERS)
def test_a_number_carries_its_exact_value(value: int | float) -> None:
    assert float(re.search(r'value="([^"]+)"', number(value))[1]) == float(value)  # type: ignore[index]


@given(st.floats(1e-3, 1e8), st.booleans())
def test_three_digits_are_right(value: float, negative: bool) -> None:
    signed = -value if negative else value
    text = shown(signed).replace("\u202f", "").replace("−", "-")
    assert float(text) == pytest.approx(signed, rel=0.0051)


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_is_a_dash(value: object) -> None:
    assert number(value) == ABSENT
    assert anything(value) == ABSENT
    assert "nan" not in anything([value, 1.5]).lower()


def test_decimals_give_three_digits() -> None:
    assert [decimals(v) for v in (0.0123, 0.5, 3.2, 42.0, 999.0, 12345.0)] == [4, 3, 2, 1, 0, 0]
    assert decimals(3.2, 42.0) == 1
    assert decimals(0.0) == 0


def test_a_value_and_its_interval_share_a_precision() -> None:
    text = re.sub(r"<[^>]+>", "", estimate({"value": 3.13741, "low": 2.80001, "high": 3.4567}))
    assert text == "3.14 [2.80, 3.46]"
    near_zero = estimate({"value": 0.0, "low": -0.0041, "high": 0.0022})
    assert re.sub(r"<[^>]+>", "", near_zero) == "0.00000 [−0.00410, 0.00220]"
    assert re.sub(r"<[^>]+>", "", estimate({"value": 9, "low": 8, "high": 10})) == "9 [8, 10]"
    assert re.sub(r"<[^>]+>", "", estimate({"value": 0.5})) == "0.500"


def test_an_interval_without_ends_is_nothing() -> None:
    assert interval(None, float("nan")) == ""
    assert ABSENT in interval(None, 2.0)


def test_fingerprints_are_short_with_the_whole_behind() -> None:
    text = anything("0123456789abcdef" * 4)
    assert ">0123456789…<" in text
    assert f'title="{"0123456789abcdef" * 4}"' in text


def test_text_is_escaped_and_truth_is_in_words() -> None:
    assert anything("<b>&") == "&lt;b&gt;&amp;"
    assert [anything(v) for v in (True, False, [])] == ["yes", "no", "none"]
    assert "&lt;i&gt;" in facts([("<i>", 1)])


def test_facts_and_sections_without_content_are_absent() -> None:
    assert facts([]) == ""
    assert section("a", "Title", "") == ""
    assert section("a", "Title", "<p>x</p>") == '<section id="a"><h2>Title</h2><p>x</p></section>'


def test_nested_facts_come_out_flat() -> None:
    assert list(flat({"a": 1, "b": {"c": 2, "d": {"e": 3}}})) == [("a", 1), ("b c", 2), ("b d e", 3)]
